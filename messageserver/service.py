"""The Message Server as a Windows service: ``MessageServer.exe ... -service NAME``.

The Service Control Manager calls this process, not the other way round: ``run`` gives it the functions, it starts
``work`` in a thread of its own and says when to stop. Structures and numbers are those of winsvc.h.
"""

import ctypes
import threading
from collections.abc import Callable
from ctypes import POINTER, Structure, byref, c_int, c_uint32, c_void_p, c_wchar_p

DWORD, BOOL, LPVOID, LPWSTR = c_uint32, c_int, c_void_p, c_wchar_p
_callback = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
ServiceMain = _callback(None, DWORD, POINTER(LPWSTR))
Handler = _callback(DWORD, DWORD, DWORD, LPVOID, LPVOID)

OWN_PROCESS = 0x10
STOPPED, START_PENDING, STOP_PENDING, RUNNING = 1, 2, 3, 4
ACCEPT_STOP, ACCEPT_SHUTDOWN = 0x1, 0x4
CONTROL_STOP, CONTROL_INTERROGATE, CONTROL_SHUTDOWN = 1, 4, 5
NO_ERROR, NOT_IMPLEMENTED, SERVICE_SPECIFIC_ERROR = 0, 120, 1066
WAIT_HINT_MS = 60_000
"""How long the manager waits for the next word while the server starts or stops."""


class Status(Structure):
    """SERVICE_STATUS."""

    _fields_ = [("type", DWORD), ("state", DWORD), ("accepted", DWORD), ("exit_code", DWORD),
                ("specific_exit_code", DWORD), ("check_point", DWORD), ("wait_hint_ms", DWORD)]


class Entry(Structure):
    """SERVICE_TABLE_ENTRYW."""

    _fields_ = [("name", c_wchar_p), ("main", ServiceMain)]


def status(state: int, exit_code: int = 0) -> Status:
    """What the manager is told: an own process in ``state``, ended with the server's ``exit_code``."""
    moving = state in (START_PENDING, STOP_PENDING)
    accepted = ACCEPT_STOP | ACCEPT_SHUTDOWN if state == RUNNING else 0
    return Status(OWN_PROCESS, state, accepted, SERVICE_SPECIFIC_ERROR if exit_code else NO_ERROR, exit_code,
                  1 if moving else 0, WAIT_HINT_MS if moving else 0)


class Service:
    """One service in this process. ``work(stop)`` runs the server until ``stop`` is set and returns its exit code;
    ``manager`` is advapi32."""

    def __init__(self, name: str, work: Callable[[threading.Event], int], manager: ctypes.CDLL):
        self.name, self._work, self._manager = name, work, manager
        self._stop = threading.Event()
        self._handle: int | None = None
        self.exit_code = 0
        # The manager keeps their addresses, so they have to live as long as this does.
        self._main, self._handler = ServiceMain(self._run), Handler(self._control)

    def dispatch(self) -> bool:
        """Serve the manager until the service has stopped; False when this process was not started by it."""
        table = (Entry * 2)(Entry(self.name, self._main), Entry(None, ServiceMain()))
        return bool(self._manager.StartServiceCtrlDispatcherW(table))

    def _run(self, _count: int, _arguments: object) -> None:
        self._handle = self._manager.RegisterServiceCtrlHandlerExW(self.name, self._handler, None)
        self._tell(status(RUNNING))
        try:
            self.exit_code = int(self._work(self._stop))
        except BaseException:
            self.exit_code = 1
            raise
        finally:
            self._tell(status(STOPPED, self.exit_code))

    def _control(self, control: int, _kind: int, _data: object, _context: object) -> int:
        if control in (CONTROL_STOP, CONTROL_SHUTDOWN):
            self._tell(status(STOP_PENDING))
            self._stop.set()
        elif control != CONTROL_INTERROGATE:
            return NOT_IMPLEMENTED
        return NO_ERROR

    def _tell(self, said: Status) -> None:
        self._manager.SetServiceStatus(self._handle, byref(said))


def manager() -> ctypes.CDLL:
    """advapi32 with the signatures that ``Service`` uses. Raises OSError anywhere but on Windows."""
    if not hasattr(ctypes, "WinDLL"):
        raise OSError("only Windows has services")
    library: ctypes.CDLL = ctypes.WinDLL("advapi32", use_last_error=True)
    library.StartServiceCtrlDispatcherW.argtypes, library.StartServiceCtrlDispatcherW.restype = [POINTER(Entry)], BOOL
    library.RegisterServiceCtrlHandlerExW.argtypes = [c_wchar_p, Handler, LPVOID]
    library.RegisterServiceCtrlHandlerExW.restype = c_void_p
    library.SetServiceStatus.argtypes, library.SetServiceStatus.restype = [c_void_p, POINTER(Status)], BOOL
    return library
