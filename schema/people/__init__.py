"""What people ask and do through the API, apart from apps: a school's staff, and contacts who have signed in.

Declared as data, one file per kind of person; `schema/api.py` builds the types, `resolvers/people/` answers the roots.
"""

from schema.people import contact, staff

MODULES = (staff, contact)
CHOICES = tuple(choice for module in MODULES for choice in module.CHOICES)
TYPES = tuple(each for module in MODULES for each in module.TYPES)
INPUTS = tuple(each for module in MODULES for each in module.INPUTS)
ROOTS = tuple(each for module in MODULES for each in module.ROOTS)
"""Every root field of people. An operation has either these or an app's."""
