"""The *restricted* Pod Security Standard, as https://kubernetes.io/docs/concepts/security/pod-security-standards/."""

from collections.abc import Iterator
from typing import Any, Final

from tests.deploy.manifests import containers

VOLUMES: Final = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SECCOMP: Final = {"RuntimeDefault", "Localhost"}
SELINUX: Final = {None, "", "container_t", "container_init_t", "container_kvm_t"}
SYSCTLS: Final = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}


def violations(spec: Any) -> list[str]:
    """Yield the violations of the restricted standard, baseline rules included."""
    pod = spec.get("securityContext", {})
    found = list(_of_the_pod(spec, pod))
    for container in containers(spec):
        found += [f"{container['name']}: {rule}" for rule in _of_a_container(container, pod)]
    return found


def _of_the_pod(spec: Any, pod: Any) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    for volume in spec.get("volumes", []):
        yield from (f"volume {kind}" for kind in set(volume) - {"name"} - VOLUMES)
    yield from (f"sysctl {s['name']}" for s in pod.get("sysctls", []) if s["name"] not in SYSCTLS)
    yield from _of_both(pod)


def _of_a_container(container: Any, pod: Any) -> Iterator[str]:
    own = container.get("securityContext", {})
    both = {**pod, **own}
    yield from _of_both(own)
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if both.get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    if both.get("seccompProfile", {}).get("type") not in SECCOMP:
        yield "seccompProfile"
    if own.get("procMount", "Default") != "Default":
        yield "procMount"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "capabilities drop"
    if not set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"}:
        yield "capabilities add"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "hostPort"
    hooks = [*container.get("lifecycle", {}).values()]
    hooks += [container[name] for name in container if name.endswith("Probe")]
    if any(hook.get(way, {}).get("host") for hook in hooks for way in ("httpGet", "tcpSocket")):
        yield "host of a probe"


def _of_both(context: Any) -> Iterator[str]:
    """Rules that hold for the security context of a pod and of a container."""
    if context.get("runAsUser") == 0:
        yield "runAsUser"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
    if context.get("appArmorProfile", {}).get("type") == "Unconfined":
        yield "appArmorProfile"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type") not in SELINUX or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions"
