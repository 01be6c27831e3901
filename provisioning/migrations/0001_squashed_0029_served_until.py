"""All tables as they are after 0029, for an installation that has none yet. One that has some goes through what is missing of the
replaced migrations, which stay until 1.0.0 is out."""

import django.core.validators
import django.db.models.deletion
import protocol.auth
import provisioning.models.console
import provisioning.models.drills
import provisioning.models.encryption
import provisioning.models.enrolments
import provisioning.spelling
import uuid
from django.conf import settings
from django.db import migrations, models

from provisioning import chain


def begin_chain(apps, schema_editor):
    """The end of the chain of history, with nothing before it."""
    apps.get_model("provisioning", "HistoryHead").objects.using(schema_editor.connection.alias).create(
        pk=1, count=0, digest=chain.BEGINNING, seal=chain.seal(chain.key_of(settings.SECRET_KEY), 0, chain.BEGINNING))


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('provisioning', '0001_initial'),
        ('provisioning', '0002_option_without_secret'),
        ('provisioning', '0003_pairs'),
        ('provisioning', '0004_pair_operations'),
        ('provisioning', '0005_host_enrolments'),
        ('provisioning', '0006_job_batches'),
        ('provisioning', '0007_host_leaves'),
        ('provisioning', '0008_host_jobs_signed'),
        ('provisioning', '0009_leadership'),
        ('provisioning', '0010_runtime_account'),
        ('provisioning', '0011_host_ssh_key'),
        ('provisioning', '0012_make_certificates'),
        ('provisioning', '0013_audits'),
        ('provisioning', '0014_restart'),
        ('provisioning', '0015_history_chain'),
        ('provisioning', '0016_drills'),
        ('provisioning', '0017_more_secret_options'),
        ('provisioning', '0018_accounts'),
        ('provisioning', '0019_looks'),
        ('provisioning', '0020_audit_runs_whole'),
        ('provisioning', '0021_audit_mark_seen'),
        ('provisioning', '0022_copies_of_records'),
        ('provisioning', '0023_connected'),
        ('provisioning', '0024_host_install_root'),
        ('provisioning', '0025_sign_ins'),
        ('provisioning', '0026_keys'),
        ('provisioning', '0027_names_in_the_order_of_people'),
        ('provisioning', '0028_no_auto_detect'),
        ('provisioning', '0029_served_until'),
    ]

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('record', '0002_take_over'),
    ]

    operations = [
        migrations.CreateModel(
            name='Account',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='account', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('must_change_password', models.BooleanField(default=False, help_text='The password was made for one sign-in.')),
                ('good_until', models.DateTimeField(help_text='Until when that sign-in may be.', null=True)),
                ('used_at', models.DateTimeField(help_text='When it was.', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Application',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255, unique=True)),
                ('type', models.CharField(choices=[('MessageServer', 'Message Server'), ('SCS', 'Solution Control Server'), ('DAP', 'Database Access Point'), ('GenericServer', 'Generic Server'), ('GenericClient', 'Generic Client')], max_length=32)),
                ('version', models.CharField(max_length=32)),
                ('enabled', models.BooleanField(default=True, verbose_name='State Enabled')),
                ('tenants', models.CharField(blank=True, default='Environment', max_length=255)),
                ('working_directory', models.CharField(blank=True, max_length=1024, verbose_name='Working Directory')),
                ('command_line', models.CharField(blank=True, max_length=1024, verbose_name='Command Line')),
                ('command_line_arguments', models.CharField(blank=True, max_length=2048, verbose_name='Command Line Arguments')),
                ('startup_timeout', models.PositiveIntegerField(default=90, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(86400)], verbose_name='Startup Timeout')),
                ('shutdown_timeout', models.PositiveIntegerField(default=90, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(86400)], verbose_name='Shutdown Timeout')),
                ('auto_restart', models.BooleanField(default=False, verbose_name='Auto-Restart')),
                ('redundancy_type', models.CharField(choices=[('not specified', 'Not Specified'), ('warm standby', 'Warm Standby'), ('hot standby', 'Hot Standby')], default='not specified', max_length=16, verbose_name='Redundancy Type')),
                ('reconnect_timeout', models.PositiveIntegerField(default=10, validators=[django.core.validators.MaxValueValidator(86400)], verbose_name='Reconnect Timeout')),
                ('reconnect_attempts', models.PositiveIntegerField(default=1, validators=[django.core.validators.MaxValueValidator(1000000)], verbose_name='Reconnect Attempts')),
                ('log_on_as', models.CharField(blank=True, default='SYSTEM', max_length=64, verbose_name='Log On As Account')),
                ('description', models.CharField(blank=True, max_length=1024)),
                ('secret', provisioning.models.encryption.EncryptedTextField(default=protocol.auth.new_secret, editable=False)),
                ('revision', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('changed_by', models.CharField(blank=True, editable=False, max_length=150)),
                ('backup_server', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='primary_server', to='provisioning.application', verbose_name='Backup Server')),
            ],
            options={
                'ordering': [provisioning.spelling.SortKey('name'), 'name'],
            },
        ),
        migrations.CreateModel(
            name='ApplicationTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255, unique=True)),
                ('type', models.CharField(choices=[('MessageServer', 'Message Server'), ('SCS', 'Solution Control Server'), ('DAP', 'Database Access Point'), ('GenericServer', 'Generic Server'), ('GenericClient', 'Generic Client')], max_length=32)),
                ('version', models.CharField(max_length=32)),
                ('options', models.JSONField(blank=True, default=dict)),
                ('ports', models.JSONField(blank=True, default=list)),
                ('enabled', models.BooleanField(default=True, verbose_name='State Enabled')),
                ('file_name', models.CharField(blank=True, max_length=255)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': [provisioning.spelling.SortKey('name'), 'name'],
            },
        ),
        migrations.CreateModel(
            name='AuditMark',
            fields=[
                ('name', models.CharField(max_length=16, primary_key=True, serialize=False)),
                ('history_id', models.BigIntegerField(default=0)),
                ('seen', models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='ComponentHeartbeat',
            fields=[
                ('name', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('facts', models.JSONField(blank=True, default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='Console',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('broker_prefix', models.CharField(default=provisioning.models.console.new_broker_prefix, editable=False, max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='CopyTerm',
            fields=[
                ('name', models.CharField(max_length=16, primary_key=True, serialize=False)),
                ('term', models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Finding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=8)),
                ('severity', models.CharField(choices=[('error', 'Error'), ('warning', 'Warning'), ('note', 'Note')], max_length=8)),
                ('subject', models.CharField(max_length=600)),
                ('fact', models.CharField(max_length=64)),
                ('sentence', models.TextField()),
                ('values', models.JSONField(default=list)),
                ('about', models.JSONField(default=list, help_text='Keys of the applications that it concerns.')),
                ('remedy', models.CharField(blank=True, max_length=32)),
                ('first_found_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['code', 'subject'],
            },
        ),
        migrations.CreateModel(
            name='HistoryHead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('count', models.PositiveBigIntegerField()),
                ('digest', models.CharField(max_length=64)),
                ('seal', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='HistoryKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('section', provisioning.models.encryption.EncryptedTextField(editable=False)),
            ],
        ),
        migrations.CreateModel(
            name='Host',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255, unique=True)),
                ('ip_address', models.CharField(max_length=64, unique=True, verbose_name='IP Address')),
                ('os_type', models.CharField(choices=[('Linux', 'Linux'), ('RedHatLinux', 'Red Hat Linux'), ('Windows2012', 'Windows Server 2012 and later'), ('Solaris', 'Solaris'), ('AIX', 'AIX'), ('HP-UX', 'HP-UX')], default='Linux', max_length=32, verbose_name='OS Type')),
                ('os_version', models.CharField(blank=True, max_length=64, verbose_name='OS Version')),
                ('lca_port', models.PositiveIntegerField(default=4999, validators=[django.core.validators.MinValueValidator(2000), django.core.validators.MaxValueValidator(9999)], verbose_name='LCA Port')),
                ('enabled', models.BooleanField(default=True, verbose_name='State Enabled')),
                ('secret', provisioning.models.encryption.EncryptedTextField(default=protocol.auth.new_secret, editable=False)),
                ('ssh_host_key', models.TextField(blank=True, editable=False, help_text='The key that was confirmed, for SSH.')),
                ('secret_revision', models.PositiveIntegerField(default=1, editable=False)),
                ('jobs_signed', models.PositiveBigIntegerField(default=0, editable=False, help_text='Numbers its jobs in order.')),
                ('install_root', models.CharField(blank=True, editable=False, help_text='Where its agent installs, as said at the join; empty: not said.', max_length=1024)),
                ('left_at', models.DateTimeField(editable=False, help_text='Since when its agent is removed.', null=True)),
                ('revision', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': [provisioning.spelling.SortKey('name'), 'name'],
            },
        ),
        migrations.CreateModel(
            name='HostEnrolment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('nonce', models.CharField(default=provisioning.models.enrolments.new_nonce, editable=False, max_length=32)),
                ('token_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.CharField(blank=True, max_length=150)),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
                ('used_from', models.CharField(blank=True, max_length=64)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('stages', models.JSONField(blank=True, default=list)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='InstallationPackage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255)),
                ('nickname', models.CharField(max_length=64)),
                ('type', models.CharField(choices=[('MessageServer', 'Message Server'), ('SCS', 'Solution Control Server'), ('DAP', 'Database Access Point'), ('GenericServer', 'Generic Server'), ('GenericClient', 'Generic Client')], max_length=32)),
                ('version', models.CharField(max_length=32)),
                ('locale', models.CharField(default='ENU', max_length=16)),
                ('os_type', models.CharField(choices=[('Linux', 'Linux'), ('RedHatLinux', 'Red Hat Linux'), ('Windows2012', 'Windows Server 2012 and later'), ('Solaris', 'Solaris'), ('AIX', 'AIX'), ('HP-UX', 'HP-UX')], default='Linux', max_length=32, verbose_name='Operating System')),
                ('description', models.TextField(blank=True)),
                ('path', models.CharField(max_length=255)),
                ('sha256', models.CharField(max_length=64, unique=True)),
                ('size', models.PositiveBigIntegerField()),
                ('imported_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': [provisioning.spelling.SortKey('name'), 'name', '-imported_at'],
            },
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('install', 'Install'), ('start', 'Start'), ('stop', 'Stop'), ('check_start_files', 'Check start files'), ('repair_start_files', 'Repair start files'), ('make_certificates', 'Make certificates'), ('restart', 'Restart'), ('collect_facts', 'Look on the host')], max_length=32)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('claimed', 'Claimed'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('error', 'Error'), ('cancelled', 'Cancelled'), ('lost', 'Lost')], default='queued', max_length=12)),
                ('application_name', models.CharField(max_length=255)),
                ('host_name', models.CharField(max_length=255)),
                ('arguments', models.JSONField(default=dict)),
                ('result', models.JSONField(blank=True, default=dict)),
                ('reason', models.TextField(blank=True)),
                ('advice', models.TextField(blank=True)),
                ('reference', models.CharField(blank=True, max_length=64)),
                ('worker', models.CharField(blank=True, max_length=255)),
                ('created_by', models.CharField(max_length=150)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('enqueued_at', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('heard_at', models.DateTimeField(null=True)),
                ('cancel_requested_at', models.DateTimeField(null=True)),
                ('cancel_requested_by', models.CharField(blank=True, max_length=150)),
                ('last_seq', models.PositiveIntegerField(default=0)),
                ('batch', models.UUIDField(blank=True, db_index=True, editable=False, null=True)),
            ],
            options={
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='JobLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('at', models.DateTimeField()),
                ('level', models.CharField(default='info', max_length=8)),
                ('text', models.TextField()),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='JobReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.PositiveIntegerField()),
                ('body', models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name='JobStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('name', models.CharField(max_length=128)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('skipped', 'Skipped')], default='waiting', max_length=8)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='ListeningPort',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('port_id', models.CharField(max_length=64, verbose_name='ID')),
                ('port', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(65535)])),
                ('protocol', models.CharField(blank=True, max_length=32, verbose_name='Connection Protocol')),
                ('ha_sync', models.BooleanField(default=False, verbose_name='HA Sync')),
                ('listening_mode', models.CharField(choices=[('unsecured', 'Unsecured'), ('secured', 'Secured')], default='unsecured', max_length=16, verbose_name='Listening Mode')),
                ('transport_parameters', models.CharField(blank=True, max_length=1024, verbose_name='Transport Parameters')),
                ('application_parameters', models.CharField(blank=True, max_length=1024, verbose_name='Application Parameters')),
                ('description', models.CharField(blank=True, max_length=255)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Option',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('annex', models.BooleanField(default=False)),
                ('section', models.CharField(max_length=128)),
                ('key', models.CharField(max_length=128)),
                ('value', models.TextField(blank=True)),
                ('secret_value', provisioning.models.encryption.EncryptedTextField(blank=True, default='', null=True)),
            ],
            options={
                'ordering': ['section', 'key'],
            },
        ),
        migrations.CreateModel(
            name='PairAudit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True)),
                ('confirmed_at', models.DateTimeField()),
                ('verdict', models.CharField(choices=[('broken', 'Broken'), ('at risk', 'At risk'), ('ready', 'Ready')], max_length=8)),
                ('errors', models.PositiveIntegerField(default=0)),
                ('warnings', models.PositiveIntegerField(default=0)),
                ('notes', models.PositiveIntegerField(default=0)),
                ('waived', models.PositiveIntegerField(default=0)),
                ('unknown', models.JSONField(default=list)),
                ('passed', models.PositiveIntegerField(default=0)),
                ('digest', models.CharField(max_length=64)),
                ('record_version', models.PositiveBigIntegerField(default=0)),
                ('is_latest', models.BooleanField(default=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='PairException',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('what', models.CharField(max_length=320)),
                ('reason', models.CharField(max_length=1024)),
                ('declared_by', models.CharField(max_length=150)),
                ('declared_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['what'],
            },
        ),
        migrations.CreateModel(
            name='SignInTry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name_key', models.CharField(max_length=64)),
                ('place', models.CharField(max_length=64)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('tried_at', models.DateTimeField(db_index=True)),
                ('signed_in_at', models.DateTimeField(null=True)),
                ('untold', models.PositiveIntegerField(default=0)),
                ('told_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Waiver',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=8)),
                ('subject', models.CharField(max_length=600)),
                ('fact', models.CharField(max_length=64)),
                ('sentence', models.TextField(help_text='What was found when it was waived.')),
                ('reason', models.CharField(max_length=1024)),
                ('expires_on', models.DateField()),
                ('waived_by', models.CharField(max_length=150)),
                ('waived_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.CharField(blank=True, max_length=150)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='DrillSchedule',
            fields=[
                ('primary', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='drill_schedule', serialize=False, to='provisioning.application')),
                ('enabled', models.BooleanField(default=True)),
                ('every_days', models.PositiveSmallIntegerField(default=7)),
                ('at', models.TimeField()),
                ('until', models.TimeField()),
                ('set_by', models.CharField(max_length=150)),
                ('set_at', models.DateTimeField()),
                ('last_started_at', models.DateTimeField(null=True)),
                ('note', models.TextField(blank=True)),
                ('note_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='FoundOnHost',
            fields=[
                ('application', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='found', serialize=False, to='provisioning.application')),
                ('at', models.DateTimeField()),
                ('body', models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='PairState',
            fields=[
                ('version', models.PositiveBigIntegerField(default=0)),
                ('epoch', models.PositiveBigIntegerField(default=0)),
                ('standby_in_sync', models.BooleanField(default=False)),
                ('active_copy', models.CharField(blank=True, max_length=32)),
                ('standby_copy', models.CharField(blank=True, max_length=32)),
                ('automatic_failover', models.BooleanField(default=True)),
                ('paused_by', models.CharField(blank=True, max_length=150)),
                ('paused_reason', models.TextField(blank=True)),
                ('paused_at', models.DateTimeField(null=True)),
                ('reason', models.TextField(blank=True)),
                ('since', models.DateTimeField(null=True)),
                ('primary', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='pair_state', serialize=False, to='provisioning.application')),
                ('disputed', models.BooleanField(default=False)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='RuntimeStatus',
            fields=[
                ('application', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='runtime', serialize=False, to='provisioning.application')),
                ('status', models.CharField(choices=[('Unknown', 'Unknown'), ('Stopped', 'Stopped'), ('Stop Pending', 'Stop Pending'), ('Start Pending', 'Start Pending'), ('Initializing', 'Initializing'), ('Started', 'Started'), ('Service Unavailable', 'Service Unavailable'), ('Suspending', 'Suspending'), ('Suspended', 'Suspended'), ('Gave Up', 'Gave Up')], default='Unknown', max_length=24)),
                ('mode', models.CharField(blank=True, choices=[('Primary', 'Primary'), ('Backup', 'Backup'), ('Exiting', 'Exiting')], max_length=8)),
                ('reason', models.TextField(blank=True)),
                ('epoch', models.PositiveBigIntegerField(default=0)),
                ('pid', models.PositiveIntegerField(default=0)),
                ('by_hand', models.BooleanField(default=False)),
                ('account', models.CharField(blank=True, help_text='OS account that the server runs as.', max_length=64)),
                ('restarts', models.PositiveIntegerField(default=0)),
                ('version', models.CharField(blank=True, max_length=32)),
                ('first_seq', models.PositiveBigIntegerField(default=0, help_text='First record that is kept; 0 when not known.')),
                ('first_digest', models.CharField(blank=True, help_text='Running digest before first_seq.', max_length=64)),
                ('last_seq', models.PositiveBigIntegerField(default=0)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('clients', models.PositiveIntegerField(default=0)),
                ('ports', models.JSONField(blank=True, default=list)),
                ('link', models.CharField(blank=True, choices=[('down', 'Down'), ('catching_up', 'Catching up'), ('synced', 'In sync')], max_length=12)),
                ('link_reason', models.TextField(blank=True)),
                ('common_seq', models.PositiveBigIntegerField(default=0, help_text='Last record that both members have.')),
                ('common_digest', models.CharField(blank=True, help_text='Running digest at common_seq here.', max_length=64)),
                ('discarded', models.PositiveBigIntegerField(default=0, help_text='Records of a divergent tail put aside.')),
                ('copy', models.CharField(blank=True, help_text='Name of the store; one made anew has another.', max_length=32)),
                ('clock_offset_s', models.FloatField(help_text="Seconds that the server's clock is ahead of control's.", null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('served_until', models.DateTimeField(help_text='When it ceased to serve; none while it serves.', null=True)),
                ('changed_at', models.DateTimeField(null=True)),
                ('connected', models.BooleanField(default=False, help_text='Heard of as long as control shows signs of life.')),
                ('heard_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='application',
            name='template',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='applications', to='provisioning.applicationtemplate', verbose_name='Application Template'),
        ),
        migrations.CreateModel(
            name='AuditRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True)),
                ('trigger', models.CharField(choices=[('change', 'After a change'), ('schedule', 'On schedule'), ('demand', 'On demand'), ('fix', 'After a fix')], max_length=12)),
                ('asked_by', models.CharField(blank=True, max_length=150)),
                ('whole', models.BooleanField(default=False)),
                ('pairs', models.PositiveIntegerField(default=0)),
                ('changed', models.PositiveIntegerField(default=0)),
                ('counts', models.JSONField(default=dict)),
                ('took_ms', models.PositiveIntegerField(default=0)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['whole', 'id'], name='provisionin_whole_b63531_idx')],
            },
        ),
        migrations.CreateModel(
            name='Connection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('port_id', models.CharField(default='default', max_length=64, verbose_name='Port ID')),
                ('protocol', models.CharField(blank=True, choices=[('', 'none'), ('addp', 'addp')], max_length=16, verbose_name='Connection Protocol')),
                ('timeout_local', models.PositiveIntegerField(default=0, verbose_name='Local Timeout')),
                ('timeout_remote', models.PositiveIntegerField(default=0, verbose_name='Remote Timeout')),
                ('trace_mode', models.CharField(choices=[('none', 'none'), ('local', 'local'), ('remote', 'remote'), ('both', 'both')], default='none', max_length=8, verbose_name='Trace Mode')),
                ('transport_parameters', models.CharField(blank=True, max_length=1024, verbose_name='Transport Parameters')),
                ('application_parameters', models.CharField(blank=True, max_length=1024, verbose_name='Application Parameters')),
                ('application', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='connections', to='provisioning.application')),
                ('server', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='clients', to='provisioning.application')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Drill',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('primary_name', models.CharField(max_length=255)),
                ('backup_name', models.CharField(max_length=255)),
                ('key', models.CharField(default=provisioning.models.drills.new_key, editable=False, max_length=32)),
                ('state', models.CharField(choices=[('running', 'Running'), ('passed', 'Passed'), ('failed', 'Failed'), ('refused', 'Refused'), ('interrupted', 'Interrupted')], default='running', max_length=12)),
                ('asked_by', models.CharField(max_length=150)),
                ('scheduled', models.BooleanField(default=False)),
                ('limit_s', models.PositiveSmallIntegerField(default=60)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('heard_at', models.DateTimeField(null=True)),
                ('cancel_requested_by', models.CharField(blank=True, max_length=150)),
                ('preflight', models.JSONField(blank=True, default=list)),
                ('figures', models.JSONField(blank=True, default=dict)),
                ('served_before', models.CharField(blank=True, max_length=255)),
                ('serves_now', models.CharField(blank=True, max_length=255)),
                ('switched_back', models.BooleanField(default=False)),
                ('sentence', models.TextField(blank=True)),
                ('advice', models.TextField(blank=True)),
                ('primary', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='drills', to='provisioning.application')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='DrillStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('phase', models.CharField(choices=[('preflight', 'Pre-flight'), ('probe', 'Probe load'), ('over', 'Switch over'), ('over_settled', 'In sync again'), ('over_checked', 'Messages checked'), ('back', 'Switch back'), ('back_settled', 'In sync again after it'), ('back_checked', 'Messages checked at the end')], max_length=16)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('skipped', 'Skipped')], default='waiting', max_length=8)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('sentence', models.TextField(blank=True)),
                ('drill', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='provisioning.drill')),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True)),
                ('number', models.PositiveIntegerField(default=0)),
                ('level', models.CharField(choices=[('alarm', 'Alarm'), ('standard', 'Standard'), ('interaction', 'Interaction'), ('trace', 'Trace')], default='standard', max_length=12)),
                ('source', models.CharField(default='control', max_length=16)),
                ('text', models.TextField()),
                ('application', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='provisioning.application')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='HistoryEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField(unique=True)),
                ('at', models.DateTimeField(db_index=True)),
                ('user_id', models.BigIntegerField(null=True)),
                ('user_name', models.CharField(max_length=150)),
                ('origin', models.CharField(blank=True, help_text='Address or command the change came from.', max_length=64)),
                ('request_id', models.CharField(blank=True, db_index=True, max_length=36)),
                ('action', models.CharField(choices=[('created', 'Created'), ('changed', 'Changed'), ('deleted', 'Deleted'), ('operated', 'Operated'), ('sign_in', 'Sign-in')], max_length=12)),
                ('object_type', models.CharField(max_length=32)),
                ('object_id', models.CharField(max_length=64)),
                ('object_name', models.CharField(max_length=255)),
                ('before', models.JSONField(null=True)),
                ('after', models.JSONField(null=True)),
                ('reason', models.TextField(blank=True)),
                ('previous', models.CharField(max_length=64)),
                ('digest', models.CharField(max_length=64)),
            ],
            options={
                'ordering': ['-number'],
                'indexes': [models.Index(fields=['object_type', 'object_id'], name='provisionin_object__f56b6e_idx')],
            },
        ),
        migrations.CreateModel(
            name='HostRuntime',
            fields=[
                ('host', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='runtime', serialize=False, to='provisioning.host')),
                ('status', models.CharField(choices=[('Unknown', 'Unknown'), ('Disconnected', 'Disconnected'), ('Running', 'Running'), ('Unavailable', 'Unavailable'), ('Unreachable', 'Unreachable')], default='Unknown', max_length=16)),
                ('reason', models.TextField(blank=True)),
                ('agent_version', models.CharField(blank=True, max_length=32)),
                ('agent_pid', models.PositiveIntegerField(default=0)),
                ('worker_alive', models.BooleanField(default=False)),
                ('facts', models.JSONField(blank=True, default=dict)),
                ('changed_at', models.DateTimeField(null=True)),
                ('connected', models.BooleanField(default=False, help_text='Heard of as long as control shows signs of life.')),
                ('heard_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddConstraint(
            model_name='host',
            constraint=models.CheckConstraint(condition=models.Q(('lca_port__gte', 2000), ('lca_port__lte', 9999)), name='host_lca_port_range'),
        ),
        migrations.AddField(
            model_name='event',
            name='host',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='provisioning.host'),
        ),
        migrations.AddField(
            model_name='application',
            name='host',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='applications', to='provisioning.host'),
        ),
        migrations.AddField(
            model_name='hostenrolment',
            name='host',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='enrolments', to='provisioning.host'),
        ),
        migrations.AddField(
            model_name='job',
            name='application',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='jobs', to='provisioning.application'),
        ),
        migrations.AddField(
            model_name='job',
            name='host',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='jobs', to='provisioning.host'),
        ),
        migrations.AddField(
            model_name='job',
            name='retry_of',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='retries', to='provisioning.job'),
        ),
        migrations.AddField(
            model_name='jobline',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='provisioning.job'),
        ),
        migrations.AddField(
            model_name='jobreport',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='waiting_reports', to='provisioning.job'),
        ),
        migrations.AddField(
            model_name='jobstep',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='provisioning.job'),
        ),
        migrations.AddField(
            model_name='listeningport',
            name='application',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ports', to='provisioning.application'),
        ),
        migrations.AddField(
            model_name='option',
            name='application',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='options', to='provisioning.application'),
        ),
        migrations.AddField(
            model_name='pairaudit',
            name='primary',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='audits', to='provisioning.application'),
        ),
        migrations.AddField(
            model_name='pairaudit',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='results', to='provisioning.auditrun'),
        ),
        migrations.AddField(
            model_name='finding',
            name='audit',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='provisioning.pairaudit'),
        ),
        migrations.AddField(
            model_name='pairexception',
            name='primary',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pair_exceptions', to='provisioning.application'),
        ),
        migrations.AddIndex(
            model_name='signintry',
            index=models.Index(fields=['place'], name='provisionin_place_6949ec_idx'),
        ),
        migrations.AddConstraint(
            model_name='signintry',
            constraint=models.UniqueConstraint(fields=('name_key', 'place'), name='one_row_of_name_and_place'),
        ),
        migrations.AddField(
            model_name='waiver',
            name='primary',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='waivers', to='provisioning.application'),
        ),
        migrations.AddField(
            model_name='finding',
            name='waiver',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='findings', to='provisioning.waiver'),
        ),
        migrations.AddField(
            model_name='foundonhost',
            name='host',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='provisioning.host'),
        ),
        migrations.AddField(
            model_name='pairstate',
            name='active',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='provisioning.application'),
        ),
        migrations.AddConstraint(
            model_name='connection',
            constraint=models.UniqueConstraint(fields=('application', 'server', 'port_id'), name='connection_unique'),
        ),
        migrations.AddConstraint(
            model_name='drill',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('state',), name='one_running_drill'),
        ),
        migrations.AddConstraint(
            model_name='drillstep',
            constraint=models.UniqueConstraint(fields=('drill', 'number'), name='drill_step_number'),
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.CheckConstraint(condition=models.Q(('backup_server', models.F('id')), _negated=True), name='application_not_its_own_backup'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['claimed', 'queued', 'running'])), fields=('application',), name='one_active_job_per_application'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'collect_facts'), ('state__in', ['claimed', 'queued', 'running'])), fields=('host',), name='one_active_look_per_host'),
        ),
        migrations.AddConstraint(
            model_name='jobline',
            constraint=models.UniqueConstraint(fields=('job', 'number'), name='job_line_number'),
        ),
        migrations.AddConstraint(
            model_name='jobreport',
            constraint=models.UniqueConstraint(fields=('job', 'seq'), name='job_report_seq'),
        ),
        migrations.AddConstraint(
            model_name='jobstep',
            constraint=models.UniqueConstraint(fields=('job', 'number'), name='job_step_number'),
        ),
        migrations.AddConstraint(
            model_name='listeningport',
            constraint=models.UniqueConstraint(fields=('application', 'port_id'), name='port_id_unique_per_application'),
        ),
        migrations.AddConstraint(
            model_name='listeningport',
            constraint=models.UniqueConstraint(fields=('application', 'port'), name='port_number_unique_per_application'),
        ),
        migrations.AddConstraint(
            model_name='listeningport',
            constraint=models.CheckConstraint(condition=models.Q(('port__gte', 1), ('port__lte', 65535)), name='port_range'),
        ),
        migrations.AddConstraint(
            model_name='option',
            constraint=models.UniqueConstraint(fields=('application', 'annex', 'section', 'key'), name='option_unique'),
        ),
        migrations.AddIndex(
            model_name='pairaudit',
            index=models.Index(fields=['is_latest', 'verdict'], name='provisionin_is_late_ddc9b8_idx'),
        ),
        migrations.AddConstraint(
            model_name='pairaudit',
            constraint=models.UniqueConstraint(condition=models.Q(('is_latest', True)), fields=('primary',), name='one_latest_audit_per_pair'),
        ),
        migrations.AddConstraint(
            model_name='pairexception',
            constraint=models.UniqueConstraint(fields=('primary', 'what'), name='pair_exception_unique'),
        ),
        migrations.AddConstraint(
            model_name='waiver',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('primary', 'code', 'subject'), name='one_waiver_at_work'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(fields=['code', 'severity'], name='provisionin_code_b920a9_idx'),
        ),
        migrations.RunPython(begin_chain, migrations.RunPython.noop),
    ]
