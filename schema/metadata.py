"""All tables of the database in one metadata object: what the migrations must add up to."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from schema import contact_access, platform, tables, triggers

triggers.attach()
METADATA: MetaData = SQLModel.metadata
TABLE_MODULES = (platform, contact_access, tables)
