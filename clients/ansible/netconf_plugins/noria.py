"""Noria's NETCONF for Ansible: 'ansible_network_os: noria' in the inventory.

All of it is ansible.netcommon's plugin for servers as the RFCs have them. What differs is what that
one does not bring to the server in the versions of Debian 12: the options 'confirm',
'source_datastore' and 'delete' of the module netconf_config.
"""

from ansible_collections.ansible.netcommon.plugins.netconf import default

DOCUMENTATION = """
name: noria
short_description: NETCONF of Noria's agent
description:
- Speaks NETCONF to C(noriad), with all options of M(ansible.netcommon.netconf_config).
options:
  ncclient_device_handler:
    type: str
    default: default
    description:
    - How ncclient is to treat the server; as the RFCs have it.
"""


class Netconf(default.Netconf):
    """What ansible-connection calls, in a process that holds the session from task to task."""

    def get_device_info(self):
        return {"network_os": "noria"}

    def commit(self, confirmed=False, timeout=None, persist=None):
        # The module gives seconds as a number, of which ncclient cannot make an element.
        return super().commit(confirmed, timeout and str(timeout), persist)

    def copy(self, source, target):
        """What netconf_config calls for 'source_datastore'."""
        return self.copy_config(source, target)

    def delete(self, target):
        """What netconf_config calls for 'delete'."""
        return self.delete_config(target)
