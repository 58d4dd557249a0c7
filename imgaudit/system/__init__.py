"""What stands in the image around the binary: its base, packages, runtime files, and what its bytes are."""

from imgaudit.system.attribution import attribute
from imgaudit.system.base import describe_base
from imgaudit.system.collect import SCRIPT_SIZE, Allowance, Certificates, Kept, Payload, SystemCollector
from imgaudit.system.config import read_config
from imgaudit.system.entrypoint import EntrypointPlan, find_service
from imgaudit.system.identity import Identity, find_identity
from imgaudit.system.loader import library_paths
from imgaudit.system.packages import file_owners, list_packages, unread_databases
from imgaudit.system.redact import redact_env, redact_go, redact_text
from imgaudit.system.runtime import runtime_facts
from imgaudit.system.structure import findings_of
from imgaudit.system.structure import outcomes as structure_outcomes
from imgaudit.system.traces import gather_traces

__all__ = [
    "SCRIPT_SIZE",
    "Allowance",
    "Certificates",
    "EntrypointPlan",
    "Identity",
    "Kept",
    "Payload",
    "SystemCollector",
    "attribute",
    "describe_base",
    "file_owners",
    "find_identity",
    "find_service",
    "findings_of",
    "gather_traces",
    "library_paths",
    "list_packages",
    "read_config",
    "redact_env",
    "redact_go",
    "redact_text",
    "runtime_facts",
    "structure_outcomes",
    "unread_databases",
]
