CREATE TABLE school (
    id TEXT NOT NULL,
    source_id TEXT,
    name TEXT,
    establishment_number TEXT,
    urn INTEGER,
    phase_of_education TEXT,
    la_code TEXT,
    timezone TEXT,
    provider TEXT,
    address_line_1 TEXT,
    address_line_2 TEXT,
    address_town TEXT,
    address_postcode TEXT,
    address_country_code TEXT,
    address_country_name TEXT,
    allows_writeback INTEGER,
    has_timetables INTEGER,
    has_lesson_attendance INTEGER,
    audit_approved_at TEXT,
    region_code TEXT,
    region_domain TEXT,
    region_school_url TEXT,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (id),
    CONSTRAINT ck_school_name CHECK (instr("name", char(0)) = 0),
    CONSTRAINT ck_school_establishment_number CHECK (instr("establishment_number", char(0)) = 0),
    CONSTRAINT ck_school_urn CHECK ("urn" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_school_phase_of_education CHECK (instr("phase_of_education", char(0)) = 0),
    CONSTRAINT ck_school_la_code CHECK (instr("la_code", char(0)) = 0),
    CONSTRAINT ck_school_timezone CHECK (instr("timezone", char(0)) = 0),
    CONSTRAINT ck_school_provider CHECK (instr("provider", char(0)) = 0),
    CONSTRAINT ck_school_address_line_1 CHECK (instr("address_line_1", char(0)) = 0),
    CONSTRAINT ck_school_address_line_2 CHECK (instr("address_line_2", char(0)) = 0),
    CONSTRAINT ck_school_address_town CHECK (instr("address_town", char(0)) = 0),
    CONSTRAINT ck_school_address_postcode CHECK (instr("address_postcode", char(0)) = 0),
    CONSTRAINT ck_school_address_country_code CHECK (instr("address_country_code", char(0)) = 0),
    CONSTRAINT ck_school_address_country_name CHECK (instr("address_country_name", char(0)) = 0),
    CONSTRAINT ck_school_allows_writeback CHECK ("allows_writeback" IN (0, 1)),
    CONSTRAINT ck_school_has_timetables CHECK ("has_timetables" IN (0, 1)),
    CONSTRAINT ck_school_has_lesson_attendance CHECK ("has_lesson_attendance" IN (0, 1)),
    CONSTRAINT ck_school_audit_approved_at CHECK ("audit_approved_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_region_code CHECK (instr("region_code", char(0)) = 0),
    CONSTRAINT ck_school_region_domain CHECK (instr("region_domain", char(0)) = 0),
    CONSTRAINT ck_school_region_school_url CHECK (instr("region_school_url", char(0)) = 0),
    CONSTRAINT ck_school_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_school_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE TRIGGER tr_school_renamed AFTER UPDATE OF name ON school FOR EACH ROW WHEN old.name IS NOT new.name BEGIN UPDATE consent SET version = version + 1 WHERE school_id = new.id; END;

CREATE TABLE student (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    year_id TEXT,
    registration_id TEXT,
    upi TEXT,
    title TEXT,
    initials TEXT,
    surname TEXT,
    forename TEXT,
    middle_names TEXT,
    legal_surname TEXT,
    legal_forename TEXT,
    gender TEXT,
    date_of_birth TEXT,
    gender_identity TEXT,
    person_id TEXT,
    admission_number TEXT,
    upn TEXT,
    local_upn TEXT,
    former_upn TEXT,
    learner_number TEXT,
    current_nc_year TEXT,
    part_time INTEGER,
    part_time_rate TEXT,
    admission_date TEXT,
    leaving_date TEXT,
    next_of_kin TEXT,
    religion TEXT,
    ethnicity TEXT,
    dietary_needs TEXT,
    sen_status TEXT,
    first_language TEXT,
    home_language TEXT,
    in_lea_care INTEGER,
    ever_in_care INTEGER,
    free_school_meals INTEGER,
    free_school_meals_6 INTEGER,
    english_as_additional_language INTEGER,
    english_as_additional_language_status TEXT,
    pupil_premium INTEGER,
    pupil_premium_notes TEXT,
    service_children INTEGER,
    enrolment_status TEXT,
    gifted_and_talented INTEGER,
    phones_phone TEXT,
    phones_primary TEXT,
    phones_home TEXT,
    phones_work TEXT,
    phones_mobile TEXT,
    emails_email TEXT,
    emails_primary TEXT,
    emails_home TEXT,
    emails_work TEXT,
    addresses_home_house_number TEXT,
    addresses_home_house_name TEXT,
    addresses_home_apartment TEXT,
    addresses_home_street TEXT,
    addresses_home_district TEXT,
    addresses_home_town TEXT,
    addresses_home_county TEXT,
    addresses_home_country TEXT,
    addresses_home_postcode TEXT,
    addresses_work_house_number TEXT,
    addresses_work_house_name TEXT,
    addresses_work_apartment TEXT,
    addresses_work_street TEXT,
    addresses_work_district TEXT,
    addresses_work_town TEXT,
    addresses_work_county TEXT,
    addresses_work_country TEXT,
    addresses_work_postcode TEXT,
    addresses_postal_house_number TEXT,
    addresses_postal_house_name TEXT,
    addresses_postal_apartment TEXT,
    addresses_postal_street TEXT,
    addresses_postal_district TEXT,
    addresses_postal_town TEXT,
    addresses_postal_county TEXT,
    addresses_postal_country TEXT,
    addresses_postal_postcode TEXT,
    salutation TEXT,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    restored_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_student_upi CHECK (instr("upi", char(0)) = 0),
    CONSTRAINT ck_student_title CHECK (instr("title", char(0)) = 0),
    CONSTRAINT ck_student_initials CHECK (instr("initials", char(0)) = 0),
    CONSTRAINT ck_student_surname CHECK (instr("surname", char(0)) = 0),
    CONSTRAINT ck_student_forename CHECK (instr("forename", char(0)) = 0),
    CONSTRAINT ck_student_middle_names CHECK (instr("middle_names", char(0)) = 0),
    CONSTRAINT ck_student_legal_surname CHECK (instr("legal_surname", char(0)) = 0),
    CONSTRAINT ck_student_legal_forename CHECK (instr("legal_forename", char(0)) = 0),
    CONSTRAINT ck_student_gender CHECK ("gender" IN ('FEMALE', 'MALE')),
    CONSTRAINT ck_student_date_of_birth CHECK ("date_of_birth" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_student_gender_identity CHECK (instr("gender_identity", char(0)) = 0),
    CONSTRAINT ck_student_person_id CHECK (instr("person_id", char(0)) = 0),
    CONSTRAINT ck_student_admission_number CHECK (instr("admission_number", char(0)) = 0),
    CONSTRAINT ck_student_upn CHECK (instr("upn", char(0)) = 0),
    CONSTRAINT ck_student_local_upn CHECK (instr("local_upn", char(0)) = 0),
    CONSTRAINT ck_student_former_upn CHECK (instr("former_upn", char(0)) = 0),
    CONSTRAINT ck_student_learner_number CHECK (instr("learner_number", char(0)) = 0),
    CONSTRAINT ck_student_current_nc_year CHECK (instr("current_nc_year", char(0)) = 0),
    CONSTRAINT ck_student_part_time CHECK ("part_time" IN (0, 1)),
    CONSTRAINT ck_student_part_time_rate CHECK ("part_time_rate" NOT GLOB '*[^-0-9.]*'),
    CONSTRAINT ck_student_admission_date CHECK ("admission_date" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_student_leaving_date CHECK ("leaving_date" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_student_next_of_kin CHECK (instr("next_of_kin", char(0)) = 0),
    CONSTRAINT ck_student_religion CHECK (instr("religion", char(0)) = 0),
    CONSTRAINT ck_student_ethnicity CHECK (instr("ethnicity", char(0)) = 0),
    CONSTRAINT ck_student_dietary_needs CHECK (instr("dietary_needs", char(0)) = 0),
    CONSTRAINT ck_student_sen_status CHECK (instr("sen_status", char(0)) = 0),
    CONSTRAINT ck_student_first_language CHECK (instr("first_language", char(0)) = 0),
    CONSTRAINT ck_student_home_language CHECK (instr("home_language", char(0)) = 0),
    CONSTRAINT ck_student_in_lea_care CHECK ("in_lea_care" IN (0, 1)),
    CONSTRAINT ck_student_ever_in_care CHECK ("ever_in_care" IN (0, 1)),
    CONSTRAINT ck_student_free_school_meals CHECK ("free_school_meals" IN (0, 1)),
    CONSTRAINT ck_student_free_school_meals_6 CHECK ("free_school_meals_6" IN (0, 1)),
    CONSTRAINT ck_student_english_as_additional_language CHECK ("english_as_additional_language" IN (0, 1)),
    CONSTRAINT ck_student_english_as_additional_language_status CHECK (instr("english_as_additional_language_status", char(0)) = 0),
    CONSTRAINT ck_student_pupil_premium CHECK ("pupil_premium" IN (0, 1)),
    CONSTRAINT ck_student_pupil_premium_notes CHECK (instr("pupil_premium_notes", char(0)) = 0),
    CONSTRAINT ck_student_service_children CHECK ("service_children" IN (0, 1)),
    CONSTRAINT ck_student_enrolment_status CHECK (instr("enrolment_status", char(0)) = 0),
    CONSTRAINT ck_student_gifted_and_talented CHECK ("gifted_and_talented" IN (0, 1)),
    CONSTRAINT ck_student_phones_phone CHECK (instr("phones_phone", char(0)) = 0),
    CONSTRAINT ck_student_phones_primary CHECK (instr("phones_primary", char(0)) = 0),
    CONSTRAINT ck_student_phones_home CHECK (instr("phones_home", char(0)) = 0),
    CONSTRAINT ck_student_phones_work CHECK (instr("phones_work", char(0)) = 0),
    CONSTRAINT ck_student_phones_mobile CHECK (instr("phones_mobile", char(0)) = 0),
    CONSTRAINT ck_student_emails_email CHECK (instr("emails_email", char(0)) = 0),
    CONSTRAINT ck_student_emails_primary CHECK (instr("emails_primary", char(0)) = 0),
    CONSTRAINT ck_student_emails_home CHECK (instr("emails_home", char(0)) = 0),
    CONSTRAINT ck_student_emails_work CHECK (instr("emails_work", char(0)) = 0),
    CONSTRAINT ck_student_addresses_home_house_number CHECK (instr("addresses_home_house_number", char(0)) = 0),
    CONSTRAINT ck_student_addresses_home_house_name CHECK (instr("addresses_home_house_name", char(0)) = 0),
    CONSTRAINT ck_student_addresses_home_apartment CHECK (instr("addresses_home_apartment", char(0)) = 0),
    CONSTRAINT ck_student_addresses_home_street CHECK (instr("addresses_home_street", char(0)) = 0),
    CONSTRAINT ck_student_addresses_home_district CHECK (instr("addresses_home_district", char(0)) = 0),
    CONSTRAINT ck_student_addresses_home_town CHECK (instr("addresses_home_town", char(0)) = 0),
    CONSTRAINT ck_student_addresses_home_county CHECK (instr("addresses_home_county", char(0)) = 0),
    CONSTRAINT ck_student_addresses_home_country CHECK (instr("addresses_home_country", char(0)) = 0),
    CONSTRAINT ck_student_addresses_home_postcode CHECK (instr("addresses_home_postcode", char(0)) = 0),
    CONSTRAINT ck_student_addresses_work_house_number CHECK (instr("addresses_work_house_number", char(0)) = 0),
    CONSTRAINT ck_student_addresses_work_house_name CHECK (instr("addresses_work_house_name", char(0)) = 0),
    CONSTRAINT ck_student_addresses_work_apartment CHECK (instr("addresses_work_apartment", char(0)) = 0),
    CONSTRAINT ck_student_addresses_work_street CHECK (instr("addresses_work_street", char(0)) = 0),
    CONSTRAINT ck_student_addresses_work_district CHECK (instr("addresses_work_district", char(0)) = 0),
    CONSTRAINT ck_student_addresses_work_town CHECK (instr("addresses_work_town", char(0)) = 0),
    CONSTRAINT ck_student_addresses_work_county CHECK (instr("addresses_work_county", char(0)) = 0),
    CONSTRAINT ck_student_addresses_work_country CHECK (instr("addresses_work_country", char(0)) = 0),
    CONSTRAINT ck_student_addresses_work_postcode CHECK (instr("addresses_work_postcode", char(0)) = 0),
    CONSTRAINT ck_student_addresses_postal_house_number CHECK (instr("addresses_postal_house_number", char(0)) = 0),
    CONSTRAINT ck_student_addresses_postal_house_name CHECK (instr("addresses_postal_house_name", char(0)) = 0),
    CONSTRAINT ck_student_addresses_postal_apartment CHECK (instr("addresses_postal_apartment", char(0)) = 0),
    CONSTRAINT ck_student_addresses_postal_street CHECK (instr("addresses_postal_street", char(0)) = 0),
    CONSTRAINT ck_student_addresses_postal_district CHECK (instr("addresses_postal_district", char(0)) = 0),
    CONSTRAINT ck_student_addresses_postal_town CHECK (instr("addresses_postal_town", char(0)) = 0),
    CONSTRAINT ck_student_addresses_postal_county CHECK (instr("addresses_postal_county", char(0)) = 0),
    CONSTRAINT ck_student_addresses_postal_country CHECK (instr("addresses_postal_country", char(0)) = 0),
    CONSTRAINT ck_student_addresses_postal_postcode CHECK (instr("addresses_postal_postcode", char(0)) = 0),
    CONSTRAINT ck_student_salutation CHECK (instr("salutation", char(0)) = 0),
    CONSTRAINT ck_student_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_student_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_student_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_student_restored_at CHECK ("restored_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_student_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_student_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE contact (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    upi TEXT,
    title TEXT,
    initials TEXT,
    surname TEXT,
    forename TEXT,
    middle_names TEXT,
    legal_surname TEXT,
    legal_forename TEXT,
    gender TEXT,
    date_of_birth TEXT,
    phones_phone TEXT,
    phones_primary TEXT,
    phones_home TEXT,
    phones_work TEXT,
    phones_mobile TEXT,
    emails_email TEXT,
    emails_primary TEXT,
    emails_home TEXT,
    emails_work TEXT,
    addresses_home_house_number TEXT,
    addresses_home_house_name TEXT,
    addresses_home_apartment TEXT,
    addresses_home_street TEXT,
    addresses_home_district TEXT,
    addresses_home_town TEXT,
    addresses_home_county TEXT,
    addresses_home_country TEXT,
    addresses_home_postcode TEXT,
    addresses_work_house_number TEXT,
    addresses_work_house_name TEXT,
    addresses_work_apartment TEXT,
    addresses_work_street TEXT,
    addresses_work_district TEXT,
    addresses_work_town TEXT,
    addresses_work_county TEXT,
    addresses_work_country TEXT,
    addresses_work_postcode TEXT,
    addresses_postal_house_number TEXT,
    addresses_postal_house_name TEXT,
    addresses_postal_apartment TEXT,
    addresses_postal_street TEXT,
    addresses_postal_district TEXT,
    addresses_postal_town TEXT,
    addresses_postal_county TEXT,
    addresses_postal_country TEXT,
    addresses_postal_postcode TEXT,
    salutation TEXT,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    restored_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_contact_upi CHECK (instr("upi", char(0)) = 0),
    CONSTRAINT ck_contact_title CHECK (instr("title", char(0)) = 0),
    CONSTRAINT ck_contact_initials CHECK (instr("initials", char(0)) = 0),
    CONSTRAINT ck_contact_surname CHECK (instr("surname", char(0)) = 0),
    CONSTRAINT ck_contact_forename CHECK (instr("forename", char(0)) = 0),
    CONSTRAINT ck_contact_middle_names CHECK (instr("middle_names", char(0)) = 0),
    CONSTRAINT ck_contact_legal_surname CHECK (instr("legal_surname", char(0)) = 0),
    CONSTRAINT ck_contact_legal_forename CHECK (instr("legal_forename", char(0)) = 0),
    CONSTRAINT ck_contact_gender CHECK ("gender" IN ('FEMALE', 'MALE')),
    CONSTRAINT ck_contact_date_of_birth CHECK ("date_of_birth" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_contact_phones_phone CHECK (instr("phones_phone", char(0)) = 0),
    CONSTRAINT ck_contact_phones_primary CHECK (instr("phones_primary", char(0)) = 0),
    CONSTRAINT ck_contact_phones_home CHECK (instr("phones_home", char(0)) = 0),
    CONSTRAINT ck_contact_phones_work CHECK (instr("phones_work", char(0)) = 0),
    CONSTRAINT ck_contact_phones_mobile CHECK (instr("phones_mobile", char(0)) = 0),
    CONSTRAINT ck_contact_emails_email CHECK (instr("emails_email", char(0)) = 0),
    CONSTRAINT ck_contact_emails_primary CHECK (instr("emails_primary", char(0)) = 0),
    CONSTRAINT ck_contact_emails_home CHECK (instr("emails_home", char(0)) = 0),
    CONSTRAINT ck_contact_emails_work CHECK (instr("emails_work", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_home_house_number CHECK (instr("addresses_home_house_number", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_home_house_name CHECK (instr("addresses_home_house_name", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_home_apartment CHECK (instr("addresses_home_apartment", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_home_street CHECK (instr("addresses_home_street", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_home_district CHECK (instr("addresses_home_district", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_home_town CHECK (instr("addresses_home_town", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_home_county CHECK (instr("addresses_home_county", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_home_country CHECK (instr("addresses_home_country", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_home_postcode CHECK (instr("addresses_home_postcode", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_work_house_number CHECK (instr("addresses_work_house_number", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_work_house_name CHECK (instr("addresses_work_house_name", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_work_apartment CHECK (instr("addresses_work_apartment", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_work_street CHECK (instr("addresses_work_street", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_work_district CHECK (instr("addresses_work_district", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_work_town CHECK (instr("addresses_work_town", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_work_county CHECK (instr("addresses_work_county", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_work_country CHECK (instr("addresses_work_country", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_work_postcode CHECK (instr("addresses_work_postcode", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_postal_house_number CHECK (instr("addresses_postal_house_number", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_postal_house_name CHECK (instr("addresses_postal_house_name", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_postal_apartment CHECK (instr("addresses_postal_apartment", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_postal_street CHECK (instr("addresses_postal_street", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_postal_district CHECK (instr("addresses_postal_district", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_postal_town CHECK (instr("addresses_postal_town", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_postal_county CHECK (instr("addresses_postal_county", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_postal_country CHECK (instr("addresses_postal_country", char(0)) = 0),
    CONSTRAINT ck_contact_addresses_postal_postcode CHECK (instr("addresses_postal_postcode", char(0)) = 0),
    CONSTRAINT ck_contact_salutation CHECK (instr("salutation", char(0)) = 0),
    CONSTRAINT ck_contact_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_contact_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_restored_at CHECK ("restored_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_contact_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE student_contact (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    student_id TEXT,
    contact_id TEXT,
    relationship TEXT,
    parental_responsibility INTEGER,
    lives_with_pupil INTEGER,
    priority INTEGER,
    bill_payer INTEGER,
    email_bills INTEGER,
    correspondence INTEGER,
    in_touch_communication INTEGER,
    court_order INTEGER,
    restricted_access INTEGER,
    relationship_key TEXT,
    first_relationship_key TEXT,
    defaults_version INTEGER,
    priority_assumed INTEGER,
    restriction_lifted_at TEXT,
    relinked_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_student_contact_relationship CHECK (instr("relationship", char(0)) = 0),
    CONSTRAINT ck_student_contact_parental_responsibility CHECK ("parental_responsibility" IN (0, 1)),
    CONSTRAINT ck_student_contact_lives_with_pupil CHECK ("lives_with_pupil" IN (0, 1)),
    CONSTRAINT ck_student_contact_priority CHECK ("priority" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_student_contact_bill_payer CHECK ("bill_payer" IN (0, 1)),
    CONSTRAINT ck_student_contact_email_bills CHECK ("email_bills" IN (0, 1)),
    CONSTRAINT ck_student_contact_correspondence CHECK ("correspondence" IN (0, 1)),
    CONSTRAINT ck_student_contact_in_touch_communication CHECK ("in_touch_communication" IN (0, 1)),
    CONSTRAINT ck_student_contact_court_order CHECK ("court_order" IN (0, 1)),
    CONSTRAINT ck_student_contact_restricted_access CHECK ("restricted_access" IN (0, 1)),
    CONSTRAINT ck_student_contact_relationship_key CHECK (instr("relationship_key", char(0)) = 0),
    CONSTRAINT ck_student_contact_first_relationship_key CHECK (instr("first_relationship_key", char(0)) = 0),
    CONSTRAINT ck_student_contact_defaults_version CHECK ("defaults_version" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_student_contact_priority_assumed CHECK ("priority_assumed" IN (0, 1)),
    CONSTRAINT ck_student_contact_restriction_lifted_at CHECK ("restriction_lifted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_student_contact_relinked_at CHECK ("relinked_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_student_contact_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_student_contact_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_student_contact_student_id ON student_contact (school_id, student_id, id);

CREATE INDEX ix_student_contact_contact_id ON student_contact (school_id, contact_id, id);

CREATE TABLE employee (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    upi TEXT,
    title TEXT,
    initials TEXT,
    surname TEXT,
    forename TEXT,
    middle_names TEXT,
    legal_surname TEXT,
    legal_forename TEXT,
    gender TEXT,
    date_of_birth TEXT,
    phones_phone TEXT,
    phones_primary TEXT,
    phones_home TEXT,
    phones_work TEXT,
    phones_mobile TEXT,
    emails_email TEXT,
    emails_primary TEXT,
    emails_home TEXT,
    emails_work TEXT,
    addresses_home_house_number TEXT,
    addresses_home_house_name TEXT,
    addresses_home_apartment TEXT,
    addresses_home_street TEXT,
    addresses_home_district TEXT,
    addresses_home_town TEXT,
    addresses_home_county TEXT,
    addresses_home_country TEXT,
    addresses_home_postcode TEXT,
    addresses_work_house_number TEXT,
    addresses_work_house_name TEXT,
    addresses_work_apartment TEXT,
    addresses_work_street TEXT,
    addresses_work_district TEXT,
    addresses_work_town TEXT,
    addresses_work_county TEXT,
    addresses_work_country TEXT,
    addresses_work_postcode TEXT,
    addresses_postal_house_number TEXT,
    addresses_postal_house_name TEXT,
    addresses_postal_apartment TEXT,
    addresses_postal_street TEXT,
    addresses_postal_district TEXT,
    addresses_postal_town TEXT,
    addresses_postal_county TEXT,
    addresses_postal_country TEXT,
    addresses_postal_postcode TEXT,
    salutation TEXT,
    current INTEGER,
    teaching_staff INTEGER,
    employment_start_date TEXT,
    employment_end_date TEXT,
    role_text TEXT,
    teacher_number TEXT,
    staff_code TEXT,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    restored_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_employee_upi CHECK (instr("upi", char(0)) = 0),
    CONSTRAINT ck_employee_title CHECK (instr("title", char(0)) = 0),
    CONSTRAINT ck_employee_initials CHECK (instr("initials", char(0)) = 0),
    CONSTRAINT ck_employee_surname CHECK (instr("surname", char(0)) = 0),
    CONSTRAINT ck_employee_forename CHECK (instr("forename", char(0)) = 0),
    CONSTRAINT ck_employee_middle_names CHECK (instr("middle_names", char(0)) = 0),
    CONSTRAINT ck_employee_legal_surname CHECK (instr("legal_surname", char(0)) = 0),
    CONSTRAINT ck_employee_legal_forename CHECK (instr("legal_forename", char(0)) = 0),
    CONSTRAINT ck_employee_gender CHECK ("gender" IN ('FEMALE', 'MALE')),
    CONSTRAINT ck_employee_date_of_birth CHECK ("date_of_birth" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_employee_phones_phone CHECK (instr("phones_phone", char(0)) = 0),
    CONSTRAINT ck_employee_phones_primary CHECK (instr("phones_primary", char(0)) = 0),
    CONSTRAINT ck_employee_phones_home CHECK (instr("phones_home", char(0)) = 0),
    CONSTRAINT ck_employee_phones_work CHECK (instr("phones_work", char(0)) = 0),
    CONSTRAINT ck_employee_phones_mobile CHECK (instr("phones_mobile", char(0)) = 0),
    CONSTRAINT ck_employee_emails_email CHECK (instr("emails_email", char(0)) = 0),
    CONSTRAINT ck_employee_emails_primary CHECK (instr("emails_primary", char(0)) = 0),
    CONSTRAINT ck_employee_emails_home CHECK (instr("emails_home", char(0)) = 0),
    CONSTRAINT ck_employee_emails_work CHECK (instr("emails_work", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_home_house_number CHECK (instr("addresses_home_house_number", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_home_house_name CHECK (instr("addresses_home_house_name", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_home_apartment CHECK (instr("addresses_home_apartment", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_home_street CHECK (instr("addresses_home_street", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_home_district CHECK (instr("addresses_home_district", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_home_town CHECK (instr("addresses_home_town", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_home_county CHECK (instr("addresses_home_county", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_home_country CHECK (instr("addresses_home_country", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_home_postcode CHECK (instr("addresses_home_postcode", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_work_house_number CHECK (instr("addresses_work_house_number", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_work_house_name CHECK (instr("addresses_work_house_name", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_work_apartment CHECK (instr("addresses_work_apartment", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_work_street CHECK (instr("addresses_work_street", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_work_district CHECK (instr("addresses_work_district", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_work_town CHECK (instr("addresses_work_town", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_work_county CHECK (instr("addresses_work_county", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_work_country CHECK (instr("addresses_work_country", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_work_postcode CHECK (instr("addresses_work_postcode", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_postal_house_number CHECK (instr("addresses_postal_house_number", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_postal_house_name CHECK (instr("addresses_postal_house_name", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_postal_apartment CHECK (instr("addresses_postal_apartment", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_postal_street CHECK (instr("addresses_postal_street", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_postal_district CHECK (instr("addresses_postal_district", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_postal_town CHECK (instr("addresses_postal_town", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_postal_county CHECK (instr("addresses_postal_county", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_postal_country CHECK (instr("addresses_postal_country", char(0)) = 0),
    CONSTRAINT ck_employee_addresses_postal_postcode CHECK (instr("addresses_postal_postcode", char(0)) = 0),
    CONSTRAINT ck_employee_salutation CHECK (instr("salutation", char(0)) = 0),
    CONSTRAINT ck_employee_current CHECK ("current" IN (0, 1)),
    CONSTRAINT ck_employee_teaching_staff CHECK ("teaching_staff" IN (0, 1)),
    CONSTRAINT ck_employee_employment_start_date CHECK ("employment_start_date" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_employee_employment_end_date CHECK ("employment_end_date" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_employee_role_text CHECK (instr("role_text", char(0)) = 0),
    CONSTRAINT ck_employee_teacher_number CHECK (instr("teacher_number", char(0)) = 0),
    CONSTRAINT ck_employee_staff_code CHECK (instr("staff_code", char(0)) = 0),
    CONSTRAINT ck_employee_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_employee_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_employee_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_employee_restored_at CHECK ("restored_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_employee_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_employee_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE school_class (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    subject_id TEXT,
    code TEXT,
    name TEXT,
    description TEXT,
    alternative INTEGER,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_school_class_code CHECK (instr("code", char(0)) = 0),
    CONSTRAINT ck_school_class_name CHECK (instr("name", char(0)) = 0),
    CONSTRAINT ck_school_class_description CHECK (instr("description", char(0)) = 0),
    CONSTRAINT ck_school_class_alternative CHECK ("alternative" IN (0, 1)),
    CONSTRAINT ck_school_class_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_school_class_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_class_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_class_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_school_class_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_school_class_subject_id ON school_class (school_id, subject_id, id);

CREATE TABLE school_group (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    code TEXT,
    name TEXT,
    notes TEXT,
    type TEXT,
    description TEXT,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_school_group_code CHECK (instr("code", char(0)) = 0),
    CONSTRAINT ck_school_group_name CHECK (instr("name", char(0)) = 0),
    CONSTRAINT ck_school_group_notes CHECK (instr("notes", char(0)) = 0),
    CONSTRAINT ck_school_group_type CHECK ("type" IN ('REGISTRATION', 'YEAR', 'HOUSE', 'CLUB', 'USER_DEFINED', 'OTHER')),
    CONSTRAINT ck_school_group_description CHECK (instr("description", char(0)) = 0),
    CONSTRAINT ck_school_group_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_school_group_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_group_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_group_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_school_group_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE subject (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    code TEXT,
    name TEXT,
    active INTEGER,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_subject_code CHECK (instr("code", char(0)) = 0),
    CONSTRAINT ck_subject_name CHECK (instr("name", char(0)) = 0),
    CONSTRAINT ck_subject_active CHECK ("active" IN (0, 1)),
    CONSTRAINT ck_subject_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_subject_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_subject_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_subject_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_subject_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE attendance_summary (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    student_id TEXT,
    possible_marks INTEGER,
    present INTEGER,
    authorised_absences INTEGER,
    unauthorised_absences INTEGER,
    unexplained_absences INTEGER,
    late_before_registration INTEGER,
    late_after_registration INTEGER,
    attendance_not_required INTEGER,
    approved_education_activity INTEGER,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_attendance_summary_possible_marks CHECK ("possible_marks" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_attendance_summary_present CHECK ("present" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_attendance_summary_authorised_absences CHECK ("authorised_absences" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_attendance_summary_unauthorised_absences CHECK ("unauthorised_absences" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_attendance_summary_unexplained_absences CHECK ("unexplained_absences" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_attendance_summary_late_before_registration CHECK ("late_before_registration" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_attendance_summary_late_after_registration CHECK ("late_after_registration" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_attendance_summary_attendance_not_required CHECK ("attendance_not_required" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_attendance_summary_approved_education_activity CHECK ("approved_education_activity" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_attendance_summary_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_attendance_summary_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_attendance_summary_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_attendance_summary_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_attendance_summary_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_attendance_summary_student_id ON attendance_summary (school_id, student_id, id);

CREATE TABLE session_attendance (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    student_id TEXT,
    employee_id TEXT,
    date TEXT,
    session TEXT,
    attendance_code_code TEXT,
    attendance_code_description TEXT,
    attendance_code_type TEXT,
    comment TEXT,
    minutes_late INTEGER,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_session_attendance_date CHECK ("date" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_session_attendance_session CHECK ("session" IN ('AM', 'PM')),
    CONSTRAINT ck_session_attendance_attendance_code_code CHECK (instr("attendance_code_code", char(0)) = 0),
    CONSTRAINT ck_session_attendance_attendance_code_description CHECK (instr("attendance_code_description", char(0)) = 0),
    CONSTRAINT ck_session_attendance_attendance_code_type CHECK (instr("attendance_code_type", char(0)) = 0),
    CONSTRAINT ck_session_attendance_comment CHECK (instr("comment", char(0)) = 0),
    CONSTRAINT ck_session_attendance_minutes_late CHECK ("minutes_late" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_session_attendance_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_session_attendance_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_session_attendance_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_session_attendance_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_session_attendance_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_session_attendance_student_id ON session_attendance (school_id, student_id, id);

CREATE TABLE behaviour (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    student_id TEXT,
    employee_id TEXT,
    incident_id TEXT,
    incident_date TEXT,
    time TEXT,
    type TEXT,
    status TEXT,
    bullying_type TEXT,
    activity_type TEXT,
    location TEXT,
    comment TEXT,
    parents_notified INTEGER,
    role TEXT,
    points INTEGER,
    action TEXT,
    action_date TEXT,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_behaviour_incident_id CHECK (instr("incident_id", char(0)) = 0),
    CONSTRAINT ck_behaviour_incident_date CHECK ("incident_date" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_behaviour_time CHECK (instr("time", char(0)) = 0),
    CONSTRAINT ck_behaviour_type CHECK (instr("type", char(0)) = 0),
    CONSTRAINT ck_behaviour_status CHECK (instr("status", char(0)) = 0),
    CONSTRAINT ck_behaviour_bullying_type CHECK (instr("bullying_type", char(0)) = 0),
    CONSTRAINT ck_behaviour_activity_type CHECK (instr("activity_type", char(0)) = 0),
    CONSTRAINT ck_behaviour_location CHECK (instr("location", char(0)) = 0),
    CONSTRAINT ck_behaviour_comment CHECK (instr("comment", char(0)) = 0),
    CONSTRAINT ck_behaviour_parents_notified CHECK ("parents_notified" IN (0, 1)),
    CONSTRAINT ck_behaviour_role CHECK (instr("role", char(0)) = 0),
    CONSTRAINT ck_behaviour_points CHECK ("points" BETWEEN -2147483648 AND 2147483647),
    CONSTRAINT ck_behaviour_action CHECK (instr("action", char(0)) = 0),
    CONSTRAINT ck_behaviour_action_date CHECK ("action_date" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_behaviour_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_behaviour_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_behaviour_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_behaviour_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_behaviour_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_behaviour_student_id ON behaviour (school_id, student_id, id);

CREATE TABLE school_event (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    description TEXT,
    start_date TEXT,
    end_date TEXT,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_school_event_description CHECK (instr("description", char(0)) = 0),
    CONSTRAINT ck_school_event_start_date CHECK ("start_date" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_event_end_date CHECK ("end_date" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_event_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_school_event_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_event_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_school_event_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_school_event_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE medical_condition (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    student_id TEXT,
    description TEXT,
    mis_id TEXT,
    created_at TEXT,
    updated_at TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_medical_condition_description CHECK (instr("description", char(0)) = 0),
    CONSTRAINT ck_medical_condition_mis_id CHECK (instr("mis_id", char(0)) = 0),
    CONSTRAINT ck_medical_condition_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_medical_condition_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_medical_condition_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_medical_condition_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_medical_condition_student_id ON medical_condition (school_id, student_id, id);

CREATE TABLE medical_note (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source_id TEXT,
    medical_condition_id TEXT,
    note TEXT,
    date TEXT,
    first_synced_at TEXT,
    deleted_at TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_medical_note_note CHECK (instr("note", char(0)) = 0),
    CONSTRAINT ck_medical_note_date CHECK ("date" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    CONSTRAINT ck_medical_note_deleted_at CHECK ("deleted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT uq_medical_note_source_id UNIQUE (school_id, source_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_medical_note_medical_condition_id ON medical_note (school_id, medical_condition_id, id);

CREATE TABLE student_class (
    school_id TEXT NOT NULL,
    student_id TEXT NOT NULL,
    class_id TEXT NOT NULL,
    PRIMARY KEY (school_id, student_id, class_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_student_class_class_id ON student_class (school_id, class_id, student_id);

CREATE TABLE student_group (
    school_id TEXT NOT NULL,
    student_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    PRIMARY KEY (school_id, student_id, group_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_student_group_group_id ON student_group (school_id, group_id, student_id);

CREATE TABLE employee_class (
    school_id TEXT NOT NULL,
    employee_id TEXT NOT NULL,
    class_id TEXT NOT NULL,
    PRIMARY KEY (school_id, employee_id, class_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_employee_class_class_id ON employee_class (school_id, class_id, employee_id);

CREATE TABLE employee_group (
    school_id TEXT NOT NULL,
    employee_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    PRIMARY KEY (school_id, employee_id, group_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_employee_group_group_id ON employee_group (school_id, group_id, employee_id);

CREATE TABLE contact_access_setting (
    school_id TEXT NOT NULL,
    source TEXT NOT NULL,
    court_order_always_denies INTEGER NOT NULL,
    confirm_masked_overrides INTEGER NOT NULL,
    access_for_leavers INTEGER NOT NULL,
    access_for_applicants INTEGER NOT NULL,
    accept_assumed_priorities INTEGER NOT NULL,
    defaults_version INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (school_id),
    CONSTRAINT ck_contact_access_setting_source CHECK (source IN ('RELATIONSHIP_TYPE', 'SYNC')),
    CONSTRAINT ck_contact_access_setting_court_order_always_denies CHECK ("court_order_always_denies" IN (0, 1)),
    CONSTRAINT ck_contact_access_setting_confirm_masked_overrides CHECK ("confirm_masked_overrides" IN (0, 1)),
    CONSTRAINT ck_contact_access_setting_access_for_leavers CHECK ("access_for_leavers" IN (0, 1)),
    CONSTRAINT ck_contact_access_setting_access_for_applicants CHECK ("access_for_applicants" IN (0, 1)),
    CONSTRAINT ck_contact_access_setting_accept_assumed_priorities CHECK ("accept_assumed_priorities" IN (0, 1)),
    CONSTRAINT ck_contact_access_setting_updated_at CHECK ("updated_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE TRIGGER tr_contact_access_set AFTER INSERT ON contact_access_setting FOR EACH ROW BEGIN UPDATE consent SET version = version + 1 WHERE school_id = new.school_id; END;

CREATE TRIGGER tr_contact_access_unset AFTER DELETE ON contact_access_setting FOR EACH ROW BEGIN UPDATE consent SET version = version + 1 WHERE school_id = old.school_id; END;

CREATE TRIGGER tr_contact_access_changed AFTER UPDATE ON contact_access_setting FOR EACH ROW WHEN old.school_id IS NOT new.school_id OR old.source IS NOT new.source OR old.court_order_always_denies IS NOT new.court_order_always_denies OR old.confirm_masked_overrides IS NOT new.confirm_masked_overrides OR old.access_for_leavers IS NOT new.access_for_leavers OR old.access_for_applicants IS NOT new.access_for_applicants OR old.accept_assumed_priorities IS NOT new.accept_assumed_priorities BEGIN UPDATE consent SET version = version + 1 WHERE school_id = old.school_id; UPDATE consent SET version = version + 1 WHERE school_id = new.school_id; END;

CREATE TABLE contact_default (
    school_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    relationship TEXT NOT NULL,
    label TEXT NOT NULL,
    permission TEXT NOT NULL,
    PRIMARY KEY (school_id, version, relationship),
    CONSTRAINT ck_contact_default_permission CHECK (permission IN ('VIEW_AND_UPDATE', 'NO_PERMISSION'))
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE contact_override (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    value TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_by_position TEXT,
    set_at TEXT NOT NULL,
    confirmed_at TEXT,
    confirmed_by TEXT,
    note TEXT,
    origin TEXT NOT NULL,
    cleared_at TEXT,
    cleared_by TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_contact_override_value CHECK (value IN ('VIEW_AND_UPDATE', 'NO_PERMISSION')),
    CONSTRAINT ck_contact_override_origin CHECK (origin IN ('MANUAL', 'BULK')),
    CONSTRAINT ck_contact_override_set_at CHECK ("set_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_override_confirmed_at CHECK ("confirmed_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_override_cleared_at CHECK ("cleared_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_contact_override_link_id ON contact_override (school_id, link_id, set_at);

CREATE UNIQUE INDEX uq_contact_override_in_force ON contact_override (school_id, link_id) WHERE cleared_at IS NULL;

CREATE TRIGGER tr_contact_override_stays BEFORE DELETE ON contact_override FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'an override is cleared, never deleted'); END;

CREATE TRIGGER tr_contact_override_keeps_its_word BEFORE UPDATE OF school_id, id, link_id, value, set_by, set_by_position, set_at, note, origin ON contact_override FOR EACH ROW WHEN old.school_id IS NOT new.school_id OR old.id IS NOT new.id OR old.link_id IS NOT new.link_id OR old.value IS NOT new.value OR old.set_by IS NOT new.set_by OR old.set_by_position IS NOT new.set_by_position OR old.set_at IS NOT new.set_at OR old.note IS NOT new.note OR old.origin IS NOT new.origin BEGIN SELECT RAISE(ABORT, 'an override is cleared and set anew, never edited'); END;

CREATE TRIGGER tr_contact_override_stays_cleared BEFORE UPDATE OF cleared_at ON contact_override FOR EACH ROW WHEN old.cleared_at IS NOT NULL AND old.cleared_at IS NOT new.cleared_at BEGIN SELECT RAISE(ABORT, 'an override that was cleared is over'); END;

CREATE TRIGGER tr_contact_override_is_not_replaced BEFORE INSERT ON contact_override FOR EACH ROW WHEN EXISTS (SELECT 1 FROM contact_override WHERE school_id = new.school_id AND id = new.id) OR (new.cleared_at IS NULL AND EXISTS (SELECT 1 FROM contact_override WHERE school_id = new.school_id AND link_id = new.link_id AND cleared_at IS NULL)) BEGIN SELECT RAISE(ABORT, 'an override is cleared, never replaced'); END;

CREATE TABLE school_capability (
    school_id TEXT NOT NULL,
    attribute TEXT NOT NULL,
    state TEXT NOT NULL,
    source TEXT NOT NULL,
    as_of TEXT NOT NULL,
    PRIMARY KEY (school_id, attribute),
    CONSTRAINT ck_school_capability_attribute CHECK (attribute IN ('parental_responsibility', 'lives_with_pupil', 'priority', 'court_order', 'restricted_access')),
    CONSTRAINT ck_school_capability_state CHECK (state IN ('SUPPLIED', 'ASSUMED', 'NOT_SUPPLIED', 'UNKNOWN', 'DECLINED')),
    CONSTRAINT ck_school_capability_as_of CHECK ("as_of" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE staff_token (
    hash TEXT NOT NULL,
    id TEXT NOT NULL,
    school_id TEXT NOT NULL,
    name TEXT NOT NULL,
    position TEXT,
    role TEXT NOT NULL,
    hint TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    revoked_at TEXT,
    PRIMARY KEY (hash),
    CONSTRAINT ck_staff_token_role CHECK (role IN ('administrator')),
    CONSTRAINT ck_staff_token_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_staff_token_expires_at CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_staff_token_revoked_at CHECK ("revoked_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    UNIQUE (id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_staff_token_school_id ON staff_token (school_id, id);

CREATE TABLE contact_allocation (
    school_id TEXT NOT NULL,
    request INTEGER NOT NULL,
    requested_at TEXT NOT NULL,
    PRIMARY KEY (school_id),
    CONSTRAINT ck_contact_allocation_requested_at CHECK ("requested_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE contact_account (
    school_id TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    id TEXT NOT NULL,
    username TEXT NOT NULL,
    secret_hash TEXT,
    created_at TEXT NOT NULL,
    secret_set_at TEXT,
    suspended_at TEXT,
    PRIMARY KEY (school_id, contact_id),
    CONSTRAINT ck_contact_account_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_account_secret_set_at CHECK ("secret_set_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_account_suspended_at CHECK ("suspended_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    UNIQUE (id),
    UNIQUE (username)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE contact_secret_link (
    hash TEXT NOT NULL,
    id TEXT NOT NULL,
    school_id TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT,
    voided_at TEXT,
    PRIMARY KEY (hash),
    CONSTRAINT ck_contact_secret_link_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_secret_link_expires_at CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_secret_link_used_at CHECK ("used_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_secret_link_voided_at CHECK ("voided_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    UNIQUE (id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_contact_secret_link_contact_id ON contact_secret_link (school_id, contact_id);

CREATE TABLE contact_session (
    hash TEXT NOT NULL,
    id TEXT NOT NULL,
    school_id TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at TEXT,
    PRIMARY KEY (hash),
    CONSTRAINT ck_contact_session_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_session_expires_at CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_contact_session_ended_at CHECK ("ended_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    UNIQUE (id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_contact_session_contact_id ON contact_session (school_id, contact_id);

CREATE TABLE form_response (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    student_id TEXT NOT NULL,
    form TEXT NOT NULL,
    answers TEXT NOT NULL,
    responded_by TEXT NOT NULL,
    responded_at TEXT NOT NULL,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_form_response_responded_at CHECK ("responded_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_form_response_student_id ON form_response (school_id, student_id, id);

CREATE TABLE record_update (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    student_id TEXT,
    contact_id TEXT NOT NULL,
    entity TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    field TEXT NOT NULL,
    old_value TEXT,
    new_value TEXT,
    submitted_at TEXT NOT NULL,
    state TEXT NOT NULL,
    closed_at TEXT,
    closed_by TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_record_update_state CHECK (state IN ('SUBMITTED', 'DELIVERED', 'REJECTED')),
    CONSTRAINT ck_record_update_submitted_at CHECK ("submitted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_record_update_closed_at CHECK ("closed_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_record_update_subject_id ON record_update (school_id, subject_id, field, id);

CREATE INDEX ix_record_update_state ON record_update (school_id, state, id);

CREATE TABLE app (
    id TEXT NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    vendor TEXT NOT NULL,
    manifest_version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT ck_app_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    UNIQUE (slug)
)
 WITHOUT ROWID,
 STRICT;

CREATE TRIGGER tr_app_changed AFTER UPDATE OF name, manifest_version ON app FOR EACH ROW WHEN old.name IS NOT new.name OR old.manifest_version IS NOT new.manifest_version BEGIN UPDATE consent SET version = version + 1 WHERE app_id = new.id; END;

CREATE TABLE app_manifest (
    app_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    published_at TEXT NOT NULL,
    PRIMARY KEY (app_id, version),
    CONSTRAINT ck_app_manifest_published_at CHECK ("published_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE app_product (
    app_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    product TEXT NOT NULL,
    title TEXT NOT NULL,
    row_conditions TEXT DEFAULT '[]' NOT NULL,
    PRIMARY KEY (app_id, version, product)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE app_scope (
    app_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    product TEXT NOT NULL,
    scope TEXT NOT NULL,
    need TEXT NOT NULL,
    implied INTEGER NOT NULL,
    reason TEXT,
    PRIMARY KEY (app_id, version, product, scope),
    CONSTRAINT ck_app_scope_need CHECK (need IN ('required', 'optional')),
    CONSTRAINT ck_app_scope_implied CHECK ("implied" IN (0, 1))
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE app_token (
    hash TEXT NOT NULL,
    id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    hint TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT,
    replaces TEXT,
    PRIMARY KEY (hash),
    CONSTRAINT ck_app_token_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_app_token_expires_at CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_app_token_revoked_at CHECK ("revoked_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    UNIQUE (id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_app_token_app_id ON app_token (app_id);

CREATE TABLE consent (
    school_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    products TEXT DEFAULT '[]' NOT NULL,
    row_conditions TEXT DEFAULT '[]' NOT NULL,
    manifest_version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    decided_at TEXT,
    decided_by TEXT,
    decided_position TEXT,
    expires_at TEXT,
    revoked_at TEXT,
    revoke_reason TEXT,
    PRIMARY KEY (school_id, app_id),
    CONSTRAINT ck_consent_state CHECK (state IN ('invited', 'pending', 'approved', 'declined', 'cancelled', 'revoked')),
    CONSTRAINT ck_consent_created_at CHECK ("created_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_consent_decided_at CHECK ("decided_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_consent_expires_at CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_consent_revoked_at CHECK ("revoked_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    UNIQUE (id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_consent_app_id ON consent (app_id, school_id);

CREATE TRIGGER tr_consent_changed AFTER UPDATE OF id, state, products, row_conditions, manifest_version, expires_at ON consent FOR EACH ROW WHEN old.id IS NOT new.id OR old.state IS NOT new.state OR old.products IS NOT new.products OR old.row_conditions IS NOT new.row_conditions OR old.manifest_version IS NOT new.manifest_version OR old.expires_at IS NOT new.expires_at BEGIN UPDATE consent SET version = version + 1 WHERE school_id = new.school_id AND app_id = new.app_id; END;

CREATE TRIGGER tr_consent_stays BEFORE DELETE ON consent FOR EACH ROW BEGIN SELECT RAISE(ABORT, 'a consent is revoked, never deleted'); END;

CREATE TRIGGER tr_consent_keeps_its_place BEFORE UPDATE OF school_id, app_id, id ON consent FOR EACH ROW WHEN old.school_id IS NOT new.school_id OR old.app_id IS NOT new.app_id OR old.id IS NOT new.id BEGIN SELECT RAISE(ABORT, 'a consent never moves'); END;

CREATE TRIGGER tr_consent_version_rises BEFORE UPDATE OF version ON consent FOR EACH ROW WHEN new.version < old.version BEGIN SELECT RAISE(ABORT, 'a version only rises'); END;

CREATE TRIGGER tr_consent_is_not_replaced BEFORE INSERT ON consent FOR EACH ROW WHEN EXISTS (SELECT 1 FROM consent WHERE (school_id = new.school_id AND app_id = new.app_id) OR id = new.id) BEGIN SELECT RAISE(ABORT, 'a consent is changed, never replaced'); END;

CREATE TABLE consent_grant (
    school_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    granted_at TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    expires_at TEXT,
    PRIMARY KEY (school_id, app_id, scope),
    CONSTRAINT ck_consent_grant_granted_at CHECK ("granted_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_consent_grant_expires_at CHECK ("expires_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE TRIGGER tr_consent_grant_added AFTER INSERT ON consent_grant FOR EACH ROW BEGIN UPDATE consent SET version = version + 1 WHERE school_id = new.school_id AND app_id = new.app_id; END;

CREATE TRIGGER tr_consent_grant_removed AFTER DELETE ON consent_grant FOR EACH ROW BEGIN UPDATE consent SET version = version + 1 WHERE school_id = old.school_id AND app_id = old.app_id; END;

CREATE TRIGGER tr_consent_grant_changed AFTER UPDATE ON consent_grant FOR EACH ROW BEGIN UPDATE consent SET version = version + 1 WHERE school_id = old.school_id AND app_id = old.app_id; UPDATE consent SET version = version + 1 WHERE school_id = new.school_id AND app_id = new.app_id; END;

CREATE TABLE audit_event (
    school_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    name TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_position TEXT,
    app_id TEXT,
    details TEXT DEFAULT '{}' NOT NULL,
    PRIMARY KEY (school_id, seq),
    CONSTRAINT ck_audit_event_at CHECK ("at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE audit_head (
    school_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (school_id)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE import_run (
    school_id TEXT NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at TEXT NOT NULL,
    heartbeat_at TEXT NOT NULL,
    finished_at TEXT,
    error_code TEXT,
    error_message TEXT,
    counts TEXT DEFAULT '{}' NOT NULL,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_import_run_started_at CHECK ("started_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_import_run_heartbeat_at CHECK ("heartbeat_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'),
    CONSTRAINT ck_import_run_finished_at CHECK ("finished_at" GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z')
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_import_run_finished_at ON import_run (school_id, state, finished_at);

CREATE TABLE import_finding (
    school_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    entity TEXT NOT NULL,
    source_id TEXT,
    field TEXT,
    code TEXT NOT NULL,
    outcome TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (school_id, run_id, seq)
)
 WITHOUT ROWID,
 STRICT;
