import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from django.db import migrations, models
from django.db.models.functions import Cast

import provisioning.models.console
import provisioning.models.encryption
from provisioning.errors import WrongKey
from provisioning.keys import all_keys, mark_in

ENCRYPTED = (("Host", "secret"), ("Application", "secret"), ("Option", "secret_value"))
AT_ONCE = 500


def former_fernet(secrets):
    """As django-fernet-encrypted-fields had it, with the secret key as its salt."""
    return MultiFernet([Fernet(base64.urlsafe_b64encode(
        PBKDF2HMAC(SHA256(), 32, salt=secret.encode(), iterations=100_000).derive(secret.encode())))
        for secret in secrets])


def encrypt_anew(apps, schema_editor):
    """What was encrypted by the former mechanism is encrypted by ours. Raises WrongKey; nothing is changed then."""
    fernet = former_fernet(all_keys())
    for model, name in ENCRYPTED:
        rows = apps.get_model("provisioning", model).objects.using(schema_editor.connection.alias)
        stored = rows.exclude(**{f"{name}__isnull": True}).annotate(stored=Cast(name, models.TextField()))
        found = [(pk, text) for pk, text in stored.values_list("pk", "stored") if not mark_in(text)]
        plain = [rows.model(pk=pk, **{name: _plain(fernet, text, model)}) for pk, text in found]
        rows.bulk_update(plain, [name], batch_size=AT_ONCE)


def _plain(fernet, text, model):
    try:
        return fernet.decrypt(text.encode()).decode()
    except InvalidToken:
        raise WrongKey(f"A secret of table {model} was encrypted with another PAIRWISE_SECRET_KEY. Nothing was changed: "
                       "give that key and start again; if it was changed on purpose, name the former one in "
                       "PAIRWISE_SECRET_KEY_FALLBACKS as well.") from None


def keep_broker_prefix(apps, schema_editor):
    """Names of accounts at the broker no longer come from the key; hosts know those that there are."""
    name = hashlib.sha256(b"broker accounts " + all_keys()[-1].encode()).hexdigest()[:8]
    apps.get_model("provisioning", "Console").objects.using(schema_editor.connection.alias).create(
        pk=1, broker_prefix=f"pairwise-{name}-host-")


class Migration(migrations.Migration):

    dependencies = [
        ("provisioning", "0025_sign_ins"),
    ]

    operations = [
        migrations.CreateModel(
            name="Console",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("broker_prefix", models.CharField(default=provisioning.models.console.new_broker_prefix, editable=False,
                                                   max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="HistoryKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("section", provisioning.models.encryption.EncryptedTextField(editable=False)),
            ],
        ),
        # What the way back leaves is what every earlier migration reads now.
        migrations.RunPython(encrypt_anew, migrations.RunPython.noop),
        migrations.RunPython(keep_broker_prefix, migrations.RunPython.noop),
    ]
