from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("provisioning", "0044_kept_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="source",
            field=models.CharField(blank=True, choices=[("", "Pairwise"), ("oidc", "Single sign-on"),
                                                        ("ldap", "Directory")], default="", max_length=8),
        ),
        migrations.AddField(
            model_name="account",
            name="link_until",
            field=models.DateTimeField(help_text="Until when who has this name at the provider of single sign-on may "
                                                 "become this user.", null=True),
        ),
        migrations.AddField(
            model_name="console",
            name="factors_of",
            field=models.CharField(choices=[("nobody", "Nobody"), ("administrators", "Administrators"),
                                            ("all", "All who sign in with a password")],
                                   default="nobody", max_length=16, verbose_name="Second factor required for"),
        ),
        migrations.AddField(
            model_name="console",
            name="factors_since",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
