"""A directory (slapd of Debian) that runs while tests do, over LDAPS."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.certificates import Certificates
from tests.ports import free_port
from tests.waiting import wait_for

SLAPD = "/usr/sbin/slapd"
BASE, ROOT_DN, ROOT_PASSWORD = "dc=example,dc=com", "cn=root,dc=example,dc=com", "s3cret-of-the-directory"
LENAS = "the password of lena"
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {at}/pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database mdb
suffix "dc=example,dc=com"
rootdn "{root_dn}"
rootpw {root_password}
directory {at}/data
"""
PEOPLE = """
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: uid=lena,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: lena
cn: Lena
sn: L
userPassword: {password}

dn: uid=ada,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ada
cn: Another Ada
sn: A
userPassword: {password}

dn: cn=noc-night,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: noc-night
member: uid=lena,ou=people,dc=example,dc=com

dn: cn=noc,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: noc
member: cn=noc-night,ou=groups,dc=example,dc=com
member: uid=ada,ou=people,dc=example,dc=com
"""


class Directory:
    """``lena`` is in noc by way of noc-night."""

    def __init__(self, at: Path):
        self.port, certificates = free_port(), Certificates(at / "tls")
        self.url = f"ldaps://127.0.0.1:{self.port}"
        certificate, key = certificates.issue("127.0.0.1")
        self.ca = str(certificates.authority)
        (at / "data").mkdir()
        configuration, people = at / "slapd.conf", at / "people.ldif"
        configuration.write_text(CONFIGURATION.format(
            at=at, certificate=certificate, key=key, root_dn=ROOT_DN, root_password=ROOT_PASSWORD))
        people.write_text(PEOPLE.format(password=LENAS))
        subprocess.run(["/usr/sbin/slapadd", "-f", configuration, "-l", people], check=True, capture_output=True)
        self._command = [SLAPD, "-d", "0", "-f", str(configuration), "-h", self.url]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers, 20)

    def _answers(self) -> bool:
        import ldap

        try:
            self.connect().whoami_s()
        except ldap.SERVER_DOWN:
            assert self.process.poll() is None, "slapd has ended"
            return False
        return True

    def connect(self):
        """As its root."""
        import ldap

        connection = ldap.initialize(self.url)
        connection.set_option(ldap.OPT_X_TLS_CACERTFILE, self.ca)
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        connection.simple_bind_s(ROOT_DN, ROOT_PASSWORD)
        return connection

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    pytest.importorskip("django_auth_ldap", reason="requirements-ldap.txt is not installed: ./run test all does it")
    if shutil.which(SLAPD) is None:
        pytest.skip("there is no slapd: ./run test all installs it")
    directory = Directory(tmp_path_factory.mktemp("directory"))
    yield directory
    directory.stop()
