import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import provisioning.spelling


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("provisioning", "0042_what_is_told"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="is_service",
            field=models.BooleanField(default=False, help_text="A program that has tokens and never signs in."),
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=8, unique=True)),
                ("digest", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=64, verbose_name="Name")),
                ("description", models.CharField(blank=True, max_length=255, verbose_name="Description")),
                ("scope", models.CharField(choices=[("api", "REST API"), ("metrics", "Metrics")], default="api",
                                           max_length=16, verbose_name="Good for")),
                ("roles", models.JSONField(default=list)),
                ("read_only", models.BooleanField(default=False, verbose_name="Read only")),
                ("networks", models.CharField(blank=True, max_length=512, verbose_name="Networks")),
                ("enabled", models.BooleanField(default=True, verbose_name="Enabled")),
                ("revision", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=150)),
                ("expires_at", models.DateTimeField(null=True, verbose_name="Expires")),
                ("told_at", models.DateTimeField(null=True)),
                ("used_at", models.DateTimeField(null=True)),
                ("used_from", models.CharField(blank=True, max_length=64)),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="api_tokens",
                                            to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": [provisioning.spelling.SortKey("name"), "name", "id"],
                "constraints": [models.UniqueConstraint(fields=("owner", "name"), name="one_token_of_a_name")],
            },
        ),
    ]
