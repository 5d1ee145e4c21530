"""The table [sandbox]: what commands of a session may read, write, reach and use up."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autotune_tui.config.table import Table
from autotune_tui.config.values import RelativePath, VariableName

Job = Literal["setup", "build", "checks", "oracle", "benchmark", "agent"]


class Sandbox(Table):
    mode: Literal["auto", "bubblewrap", "landlock", "sandbox-exec", "none"] = Field(
        "auto",
        description="auto: the first that works of bubblewrap, Landlock (both Linux) and sandbox-exec (macOS), else none,"
        " and that is said",
    )
    network: list[Job] = Field(
        default=["setup", "agent"],
        description="Commands that may use the network: setup, build, checks, oracle, benchmark, agent",
    )
    agent: bool = Field(
        False,
        description="Confine the command agent too, as always with a holdout; without your home folder it may lack keys",
        strict=True,
    )
    read: list[str] = Field(
        default_factory=list,
        description="Folders outside the repository to show read-only, such as ~/data; the home folder is hidden",
        json_schema_extra={"expects": "a path"},
    )
    write: list[str] = Field(
        default_factory=list,
        description="Folders outside the repository that commands may write, such as ~/.cache/go-build",
        json_schema_extra={"expects": "a path"},
    )
    passed: list[VariableName] = Field(
        default_factory=list,
        alias="pass",
        description="Environment variables to hand on to commands; only harmless ones known to be needed are else",
        json_schema_extra={"expects": "a variable's name"},
    )
    outputs: list[RelativePath] = Field(
        default_factory=list,
        description="Folders of the worktree that the benchmark may write (that of metric.file it may anyway); they are put"
        " back before each run, and the rest is read-only",
    )
    memory: int = Field(0, ge=0, description="MB that a command's processes may use; 0: three quarters", strict=True)
    processes: int = Field(1000, ge=1, description="The most processes of a command at a time", strict=True)
    file_size: int = Field(16384, ge=1, description="MB that one file may have", strict=True)
    scratch: int = Field(1024, ge=1, description="MB in each of /tmp, /dev/shm and the empty home folder", strict=True)
