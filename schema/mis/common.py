"""Values that several entities share: names, contact details, addresses.

They are declared once and stand in each entity under that entity's own scopes.
"""

from schema.fields import ORDINARY, PERSONAL, Choice, Field, Kind, Part

GENDER = Choice(
    "Gender",
    "Gender as the MIS records it.",
    (("FEMALE", "Recorded as female."), ("MALE", "Recorded as male.")),
)

NAMES = (
    Field("title", Kind.TEXT, "Title, such as Mr or Dr.", PERSONAL),
    Field("initials", Kind.TEXT, "Initials of all names.", PERSONAL),
    Field("surname", Kind.TEXT, "Surname in daily use.", PERSONAL),
    Field("forename", Kind.TEXT, "Forename in daily use.", PERSONAL),
    Field("middleNames", Kind.TEXT, "Middle names.", PERSONAL),
    Field("legalSurname", Kind.TEXT, "Surname on legal documents.", PERSONAL),
    Field("legalForename", Kind.TEXT, "Forename on legal documents.", PERSONAL),
    Field("gender", GENDER, "Gender as the MIS records it.", PERSONAL),
    Field("dateOfBirth", Kind.DATE, "Date of birth.", PERSONAL),
)

UPI = Field(
    "upi",
    Kind.ID,
    "Person identifier made by the MIS API from the MIS id and the school: it survives re-enrolment, and one person "
    "who is both contact and employee has one. Not the UPN.",
    PERSONAL,
)

_ADDRESS = (
    Field("houseNumber", Kind.TEXT, "House number.", PERSONAL),
    Field("houseName", Kind.TEXT, "House name.", PERSONAL),
    Field("apartment", Kind.TEXT, "Apartment or flat.", PERSONAL),
    Field("street", Kind.TEXT, "Street.", PERSONAL),
    Field("district", Kind.TEXT, "District or locality.", PERSONAL),
    Field("town", Kind.TEXT, "Town.", PERSONAL),
    Field("county", Kind.TEXT, "County.", PERSONAL),
    Field("country", Kind.TEXT, "Country.", PERSONAL),
    Field("postcode", Kind.TEXT, "Postcode.", PERSONAL),
)


def _address(name: str, description: str) -> Part:
    return Part(name, "Address", description, PERSONAL, _ADDRESS, own_scopes=False, absent_when_empty=True)


PHONES = Part(
    "phones",
    "ContactPhones",
    "Telephone numbers, as the MIS writes them.",
    PERSONAL,
    (
        Field("phone", Kind.TEXT, "The number the MIS gives first.", PERSONAL),
        Field("primary", Kind.TEXT, "The number marked as primary.", PERSONAL),
        Field("home", Kind.TEXT, "Home number.", PERSONAL),
        Field("work", Kind.TEXT, "Work number.", PERSONAL),
        Field("mobile", Kind.TEXT, "Mobile number.", PERSONAL),
    ),
    scope="telephone",
    own_scopes=False,
)

EMAILS = Part(
    "emails",
    "ContactEmails",
    "E-mail addresses.",
    PERSONAL,
    (
        Field("email", Kind.TEXT, "The address the MIS gives first.", PERSONAL),
        Field("primary", Kind.TEXT, "The address marked as primary.", PERSONAL),
        Field("home", Kind.TEXT, "Home address.", PERSONAL),
        Field("work", Kind.TEXT, "Work address.", PERSONAL),
    ),
    scope="email",
    own_scopes=False,
)

ADDRESSES = Part(
    "addresses",
    "ContactAddresses",
    "Postal addresses.",
    PERSONAL,
    (
        _address("home", "Home address; null when the MIS holds none."),
        _address("work", "Work address; null when the MIS holds none."),
        _address("postal", "Address for post; null when the MIS holds none."),
    ),
    scope="address",
    own_scopes=False,
)


def contact_details(type_name: str) -> Part:
    """Telephones, e-mails, addresses and salutation of one kind of person."""
    return Part(
        "contactDetails",
        type_name,
        "Ways to reach the person.",
        PERSONAL,
        (PHONES, EMAILS, ADDRESSES, Field("salutation", Kind.TEXT, "How letters address the person.", PERSONAL)),
        scope="contact_details",
    )


CODE = Field("code", Kind.TEXT, "Short code in the MIS.", ORDINARY)
NAME = Field("name", Kind.TEXT, "Name in the MIS.", ORDINARY)
