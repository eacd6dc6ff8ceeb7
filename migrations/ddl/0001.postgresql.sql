CREATE TABLE school (
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
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
    allows_writeback BOOLEAN,
    has_timetables BOOLEAN,
    has_lesson_attendance BOOLEAN,
    audit_approved_at TIMESTAMP WITH TIME ZONE,
    region_code TEXT,
    region_domain TEXT,
    region_school_url TEXT,
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);

CREATE FUNCTION fg_school_renamed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1 WHERE school_id = new.id; RETURN NULL; END $$;

CREATE TRIGGER tr_school_renamed AFTER UPDATE OF name ON school FOR EACH ROW WHEN (old.name IS DISTINCT FROM new.name) EXECUTE FUNCTION fg_school_renamed();

CREATE TABLE student (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    year_id VARCHAR COLLATE "C",
    registration_id VARCHAR COLLATE "C",
    upi VARCHAR COLLATE "C",
    title TEXT,
    initials TEXT,
    surname TEXT,
    forename TEXT,
    middle_names TEXT,
    legal_surname TEXT,
    legal_forename TEXT,
    gender VARCHAR COLLATE "C",
    date_of_birth DATE,
    gender_identity TEXT,
    person_id VARCHAR COLLATE "C",
    admission_number TEXT,
    upn TEXT,
    local_upn TEXT,
    former_upn TEXT,
    learner_number TEXT,
    current_nc_year TEXT,
    part_time BOOLEAN,
    part_time_rate VARCHAR COLLATE "C",
    admission_date DATE,
    leaving_date DATE,
    next_of_kin TEXT,
    religion TEXT,
    ethnicity TEXT,
    dietary_needs TEXT,
    sen_status TEXT,
    first_language TEXT,
    home_language TEXT,
    in_lea_care BOOLEAN,
    ever_in_care BOOLEAN,
    free_school_meals BOOLEAN,
    free_school_meals_6 BOOLEAN,
    english_as_additional_language BOOLEAN,
    english_as_additional_language_status TEXT,
    pupil_premium BOOLEAN,
    pupil_premium_notes TEXT,
    service_children BOOLEAN,
    enrolment_status TEXT,
    gifted_and_talented BOOLEAN,
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
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    restored_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_student_gender CHECK ("gender" IN ('FEMALE', 'MALE')),
    CONSTRAINT uq_student_source_id UNIQUE (school_id, source_id)
);

CREATE TABLE contact (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    upi VARCHAR COLLATE "C",
    title TEXT,
    initials TEXT,
    surname TEXT,
    forename TEXT,
    middle_names TEXT,
    legal_surname TEXT,
    legal_forename TEXT,
    gender VARCHAR COLLATE "C",
    date_of_birth DATE,
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
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    restored_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_contact_gender CHECK ("gender" IN ('FEMALE', 'MALE')),
    CONSTRAINT uq_contact_source_id UNIQUE (school_id, source_id)
);

CREATE TABLE student_contact (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    student_id VARCHAR COLLATE "C",
    contact_id VARCHAR COLLATE "C",
    relationship TEXT,
    parental_responsibility BOOLEAN,
    lives_with_pupil BOOLEAN,
    priority INTEGER,
    bill_payer BOOLEAN,
    email_bills BOOLEAN,
    correspondence BOOLEAN,
    in_touch_communication BOOLEAN,
    court_order BOOLEAN,
    restricted_access BOOLEAN,
    relationship_key TEXT,
    first_relationship_key TEXT,
    defaults_version INTEGER,
    priority_assumed BOOLEAN,
    restriction_lifted_at TIMESTAMP WITH TIME ZONE,
    relinked_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT uq_student_contact_source_id UNIQUE (school_id, source_id)
);

CREATE INDEX ix_student_contact_contact_id ON student_contact (school_id, contact_id, id);

CREATE INDEX ix_student_contact_student_id ON student_contact (school_id, student_id, id);

CREATE TABLE employee (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    upi VARCHAR COLLATE "C",
    title TEXT,
    initials TEXT,
    surname TEXT,
    forename TEXT,
    middle_names TEXT,
    legal_surname TEXT,
    legal_forename TEXT,
    gender VARCHAR COLLATE "C",
    date_of_birth DATE,
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
    current BOOLEAN,
    teaching_staff BOOLEAN,
    employment_start_date DATE,
    employment_end_date DATE,
    role_text TEXT,
    teacher_number TEXT,
    staff_code TEXT,
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    restored_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_employee_gender CHECK ("gender" IN ('FEMALE', 'MALE')),
    CONSTRAINT uq_employee_source_id UNIQUE (school_id, source_id)
);

CREATE TABLE school_class (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    subject_id VARCHAR COLLATE "C",
    code TEXT,
    name TEXT,
    description TEXT,
    alternative BOOLEAN,
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT uq_school_class_source_id UNIQUE (school_id, source_id)
);

CREATE INDEX ix_school_class_subject_id ON school_class (school_id, subject_id, id);

CREATE TABLE school_group (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    code TEXT,
    name TEXT,
    notes TEXT,
    type VARCHAR COLLATE "C",
    description TEXT,
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_school_group_type CHECK ("type" IN ('REGISTRATION', 'YEAR', 'HOUSE', 'CLUB', 'USER_DEFINED', 'OTHER')),
    CONSTRAINT uq_school_group_source_id UNIQUE (school_id, source_id)
);

CREATE TABLE subject (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    code TEXT,
    name TEXT,
    active BOOLEAN,
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT uq_subject_source_id UNIQUE (school_id, source_id)
);

CREATE TABLE attendance_summary (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    student_id VARCHAR COLLATE "C",
    possible_marks INTEGER,
    present INTEGER,
    authorised_absences INTEGER,
    unauthorised_absences INTEGER,
    unexplained_absences INTEGER,
    late_before_registration INTEGER,
    late_after_registration INTEGER,
    attendance_not_required INTEGER,
    approved_education_activity INTEGER,
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT uq_attendance_summary_source_id UNIQUE (school_id, source_id)
);

CREATE INDEX ix_attendance_summary_student_id ON attendance_summary (school_id, student_id, id);

CREATE TABLE session_attendance (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    student_id VARCHAR COLLATE "C",
    employee_id VARCHAR COLLATE "C",
    date DATE,
    session VARCHAR COLLATE "C",
    attendance_code_code TEXT,
    attendance_code_description TEXT,
    attendance_code_type TEXT,
    comment TEXT,
    minutes_late INTEGER,
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_session_attendance_session CHECK ("session" IN ('AM', 'PM')),
    CONSTRAINT uq_session_attendance_source_id UNIQUE (school_id, source_id)
);

CREATE INDEX ix_session_attendance_student_id ON session_attendance (school_id, student_id, id);

CREATE TABLE behaviour (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    student_id VARCHAR COLLATE "C",
    employee_id VARCHAR COLLATE "C",
    incident_id VARCHAR COLLATE "C",
    incident_date DATE,
    time TEXT,
    type TEXT,
    status TEXT,
    bullying_type TEXT,
    activity_type TEXT,
    location TEXT,
    comment TEXT,
    parents_notified BOOLEAN,
    role TEXT,
    points INTEGER,
    action TEXT,
    action_date DATE,
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT uq_behaviour_source_id UNIQUE (school_id, source_id)
);

CREATE INDEX ix_behaviour_student_id ON behaviour (school_id, student_id, id);

CREATE TABLE school_event (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    description TEXT,
    start_date TIMESTAMP WITH TIME ZONE,
    end_date TIMESTAMP WITH TIME ZONE,
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT uq_school_event_source_id UNIQUE (school_id, source_id)
);

CREATE TABLE medical_condition (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    student_id VARCHAR COLLATE "C",
    description TEXT,
    mis_id VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT uq_medical_condition_source_id UNIQUE (school_id, source_id)
);

CREATE INDEX ix_medical_condition_student_id ON medical_condition (school_id, student_id, id);

CREATE TABLE medical_note (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source_id VARCHAR COLLATE "C",
    medical_condition_id VARCHAR COLLATE "C",
    note TEXT,
    date DATE,
    first_synced_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, id),
    CONSTRAINT uq_medical_note_source_id UNIQUE (school_id, source_id)
);

CREATE INDEX ix_medical_note_medical_condition_id ON medical_note (school_id, medical_condition_id, id);

CREATE TABLE student_class (
    school_id VARCHAR COLLATE "C" NOT NULL,
    student_id VARCHAR COLLATE "C" NOT NULL,
    class_id VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (school_id, student_id, class_id)
);

CREATE INDEX ix_student_class_class_id ON student_class (school_id, class_id, student_id);

CREATE TABLE student_group (
    school_id VARCHAR COLLATE "C" NOT NULL,
    student_id VARCHAR COLLATE "C" NOT NULL,
    group_id VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (school_id, student_id, group_id)
);

CREATE INDEX ix_student_group_group_id ON student_group (school_id, group_id, student_id);

CREATE TABLE employee_class (
    school_id VARCHAR COLLATE "C" NOT NULL,
    employee_id VARCHAR COLLATE "C" NOT NULL,
    class_id VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (school_id, employee_id, class_id)
);

CREATE INDEX ix_employee_class_class_id ON employee_class (school_id, class_id, employee_id);

CREATE TABLE employee_group (
    school_id VARCHAR COLLATE "C" NOT NULL,
    employee_id VARCHAR COLLATE "C" NOT NULL,
    group_id VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (school_id, employee_id, group_id)
);

CREATE INDEX ix_employee_group_group_id ON employee_group (school_id, group_id, employee_id);

CREATE TABLE contact_access_setting (
    school_id VARCHAR COLLATE "C" NOT NULL,
    source VARCHAR COLLATE "C" NOT NULL,
    court_order_always_denies BOOLEAN NOT NULL,
    confirm_masked_overrides BOOLEAN NOT NULL,
    access_for_leavers BOOLEAN NOT NULL,
    access_for_applicants BOOLEAN NOT NULL,
    accept_assumed_priorities BOOLEAN NOT NULL,
    defaults_version INTEGER NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (school_id),
    CONSTRAINT ck_contact_access_setting_source CHECK (source IN ('RELATIONSHIP_TYPE', 'SYNC'))
);

CREATE FUNCTION fg_contact_access_set() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1 WHERE school_id = new.school_id; RETURN NULL; END $$;

CREATE TRIGGER tr_contact_access_set AFTER INSERT ON contact_access_setting FOR EACH ROW EXECUTE FUNCTION fg_contact_access_set();

CREATE FUNCTION fg_contact_access_unset() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1 WHERE school_id = old.school_id; RETURN NULL; END $$;

CREATE TRIGGER tr_contact_access_unset AFTER DELETE ON contact_access_setting FOR EACH ROW EXECUTE FUNCTION fg_contact_access_unset();

CREATE FUNCTION fg_contact_access_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1 WHERE school_id = old.school_id; UPDATE consent SET version = version + 1 WHERE school_id = new.school_id; RETURN NULL; END $$;

CREATE TRIGGER tr_contact_access_changed AFTER UPDATE ON contact_access_setting FOR EACH ROW WHEN (old.school_id IS DISTINCT FROM new.school_id OR old.source IS DISTINCT FROM new.source OR old.court_order_always_denies IS DISTINCT FROM new.court_order_always_denies OR old.confirm_masked_overrides IS DISTINCT FROM new.confirm_masked_overrides OR old.access_for_leavers IS DISTINCT FROM new.access_for_leavers OR old.access_for_applicants IS DISTINCT FROM new.access_for_applicants OR old.accept_assumed_priorities IS DISTINCT FROM new.accept_assumed_priorities) EXECUTE FUNCTION fg_contact_access_changed();

CREATE FUNCTION fg_contact_access_setting_truncated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1; RETURN NULL; END $$;

CREATE TRIGGER tr_contact_access_setting_truncated BEFORE TRUNCATE ON contact_access_setting FOR EACH STATEMENT EXECUTE FUNCTION fg_contact_access_setting_truncated();

CREATE TABLE contact_default (
    school_id VARCHAR COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    relationship VARCHAR COLLATE "C" NOT NULL,
    label TEXT NOT NULL,
    permission VARCHAR COLLATE "C" NOT NULL,
    PRIMARY KEY (school_id, version, relationship),
    CONSTRAINT ck_contact_default_permission CHECK (permission IN ('VIEW_AND_UPDATE', 'NO_PERMISSION'))
);

CREATE TABLE contact_override (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    link_id VARCHAR COLLATE "C" NOT NULL,
    value VARCHAR COLLATE "C" NOT NULL,
    set_by TEXT NOT NULL,
    set_by_position TEXT,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    confirmed_by TEXT,
    note TEXT,
    origin VARCHAR COLLATE "C" NOT NULL,
    cleared_at TIMESTAMP WITH TIME ZONE,
    cleared_by TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_contact_override_value CHECK (value IN ('VIEW_AND_UPDATE', 'NO_PERMISSION')),
    CONSTRAINT ck_contact_override_origin CHECK (origin IN ('MANUAL', 'BULK'))
);

CREATE UNIQUE INDEX uq_contact_override_in_force ON contact_override (school_id, link_id) WHERE cleared_at IS NULL;

CREATE INDEX ix_contact_override_link_id ON contact_override (school_id, link_id, set_at);

CREATE FUNCTION fg_contact_override_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'an override is cleared, never deleted'; RETURN NULL; END $$;

CREATE TRIGGER tr_contact_override_stays BEFORE DELETE ON contact_override FOR EACH ROW EXECUTE FUNCTION fg_contact_override_stays();

CREATE FUNCTION fg_contact_override_keeps_its_word() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'an override is cleared and set anew, never edited'; RETURN NULL; END $$;

CREATE TRIGGER tr_contact_override_keeps_its_word BEFORE UPDATE OF school_id, id, link_id, value, set_by, set_by_position, set_at, note, origin ON contact_override FOR EACH ROW WHEN (old.school_id IS DISTINCT FROM new.school_id OR old.id IS DISTINCT FROM new.id OR old.link_id IS DISTINCT FROM new.link_id OR old.value IS DISTINCT FROM new.value OR old.set_by IS DISTINCT FROM new.set_by OR old.set_by_position IS DISTINCT FROM new.set_by_position OR old.set_at IS DISTINCT FROM new.set_at OR old.note IS DISTINCT FROM new.note OR old.origin IS DISTINCT FROM new.origin) EXECUTE FUNCTION fg_contact_override_keeps_its_word();

CREATE FUNCTION fg_contact_override_stays_cleared() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'an override that was cleared is over'; RETURN NULL; END $$;

CREATE TRIGGER tr_contact_override_stays_cleared BEFORE UPDATE OF cleared_at ON contact_override FOR EACH ROW WHEN (old.cleared_at IS NOT NULL AND old.cleared_at IS DISTINCT FROM new.cleared_at) EXECUTE FUNCTION fg_contact_override_stays_cleared();

CREATE FUNCTION fg_contact_override_truncated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'an override is cleared, never deleted'; RETURN NULL; END $$;

CREATE TRIGGER tr_contact_override_truncated BEFORE TRUNCATE ON contact_override FOR EACH STATEMENT EXECUTE FUNCTION fg_contact_override_truncated();

CREATE TABLE school_capability (
    school_id VARCHAR COLLATE "C" NOT NULL,
    attribute VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL,
    source TEXT NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (school_id, attribute),
    CONSTRAINT ck_school_capability_attribute CHECK (attribute IN ('parental_responsibility', 'lives_with_pupil', 'priority', 'court_order', 'restricted_access')),
    CONSTRAINT ck_school_capability_state CHECK (state IN ('SUPPLIED', 'ASSUMED', 'NOT_SUPPLIED', 'UNKNOWN', 'DECLINED'))
);

CREATE TABLE staff_token (
    hash VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    school_id VARCHAR COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    position TEXT,
    role VARCHAR COLLATE "C" NOT NULL,
    hint VARCHAR COLLATE "C" NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (hash),
    CONSTRAINT ck_staff_token_role CHECK (role IN ('administrator')),
    UNIQUE (id)
);

CREATE INDEX ix_staff_token_school_id ON staff_token (school_id, id);

CREATE TABLE contact_allocation (
    school_id VARCHAR COLLATE "C" NOT NULL,
    request INTEGER NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (school_id)
);

CREATE TABLE contact_account (
    school_id VARCHAR COLLATE "C" NOT NULL,
    contact_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    username VARCHAR COLLATE "C" NOT NULL,
    secret_hash VARCHAR COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    secret_set_at TIMESTAMP WITH TIME ZONE,
    suspended_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, contact_id),
    UNIQUE (id),
    UNIQUE (username)
);

CREATE TABLE contact_secret_link (
    hash VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    school_id VARCHAR COLLATE "C" NOT NULL,
    contact_id VARCHAR COLLATE "C" NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    voided_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (hash),
    UNIQUE (id)
);

CREATE INDEX ix_contact_secret_link_contact_id ON contact_secret_link (school_id, contact_id);

CREATE TABLE contact_session (
    hash VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    school_id VARCHAR COLLATE "C" NOT NULL,
    contact_id VARCHAR COLLATE "C" NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (hash),
    UNIQUE (id)
);

CREATE INDEX ix_contact_session_contact_id ON contact_session (school_id, contact_id);

CREATE TABLE form_response (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    student_id VARCHAR COLLATE "C" NOT NULL,
    form TEXT NOT NULL,
    answers TEXT NOT NULL,
    responded_by VARCHAR COLLATE "C" NOT NULL,
    responded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (school_id, id)
);

CREATE INDEX ix_form_response_student_id ON form_response (school_id, student_id, id);

CREATE TABLE record_update (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    student_id VARCHAR COLLATE "C",
    contact_id VARCHAR COLLATE "C" NOT NULL,
    entity VARCHAR COLLATE "C" NOT NULL,
    subject_id VARCHAR COLLATE "C" NOT NULL,
    field VARCHAR COLLATE "C" NOT NULL,
    old_value TEXT,
    new_value TEXT,
    submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT,
    PRIMARY KEY (school_id, id),
    CONSTRAINT ck_record_update_state CHECK (state IN ('SUBMITTED', 'DELIVERED', 'REJECTED'))
);

CREATE INDEX ix_record_update_state ON record_update (school_id, state, id);

CREATE INDEX ix_record_update_subject_id ON record_update (school_id, subject_id, field, id);

CREATE TABLE app (
    id VARCHAR COLLATE "C" NOT NULL,
    slug VARCHAR COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    vendor TEXT NOT NULL,
    manifest_version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (slug)
);

CREATE FUNCTION fg_app_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1 WHERE app_id = new.id; RETURN NULL; END $$;

CREATE TRIGGER tr_app_changed AFTER UPDATE OF name, manifest_version ON app FOR EACH ROW WHEN (old.name IS DISTINCT FROM new.name OR old.manifest_version IS DISTINCT FROM new.manifest_version) EXECUTE FUNCTION fg_app_changed();

CREATE TABLE app_manifest (
    app_id VARCHAR COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    sha256 VARCHAR COLLATE "C" NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (app_id, version)
);

CREATE TABLE app_product (
    app_id VARCHAR COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    product VARCHAR COLLATE "C" NOT NULL,
    title TEXT NOT NULL,
    row_conditions TEXT DEFAULT '[]' NOT NULL,
    PRIMARY KEY (app_id, version, product)
);

CREATE TABLE app_scope (
    app_id VARCHAR COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    product VARCHAR COLLATE "C" NOT NULL,
    scope VARCHAR COLLATE "C" NOT NULL,
    need VARCHAR COLLATE "C" NOT NULL,
    implied BOOLEAN NOT NULL,
    reason TEXT,
    PRIMARY KEY (app_id, version, product, scope),
    CONSTRAINT ck_app_scope_need CHECK (need IN ('required', 'optional'))
);

CREATE TABLE app_token (
    hash VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    app_id VARCHAR COLLATE "C" NOT NULL,
    hint VARCHAR COLLATE "C" NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    replaces VARCHAR COLLATE "C",
    PRIMARY KEY (hash),
    UNIQUE (id)
);

CREATE INDEX ix_app_token_app_id ON app_token (app_id);

CREATE TABLE consent (
    school_id VARCHAR COLLATE "C" NOT NULL,
    app_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    products TEXT DEFAULT '[]' NOT NULL,
    row_conditions TEXT DEFAULT '[]' NOT NULL,
    manifest_version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE,
    decided_by TEXT,
    decided_position TEXT,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoke_reason TEXT,
    PRIMARY KEY (school_id, app_id),
    CONSTRAINT ck_consent_state CHECK (state IN ('invited', 'pending', 'approved', 'declined', 'cancelled', 'revoked')),
    UNIQUE (id)
);

CREATE INDEX ix_consent_app_id ON consent (app_id, school_id);

CREATE FUNCTION fg_consent_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1 WHERE school_id = new.school_id AND app_id = new.app_id; RETURN NULL; END $$;

CREATE TRIGGER tr_consent_changed AFTER UPDATE OF id, state, products, row_conditions, manifest_version, expires_at ON consent FOR EACH ROW WHEN (old.id IS DISTINCT FROM new.id OR old.state IS DISTINCT FROM new.state OR old.products IS DISTINCT FROM new.products OR old.row_conditions IS DISTINCT FROM new.row_conditions OR old.manifest_version IS DISTINCT FROM new.manifest_version OR old.expires_at IS DISTINCT FROM new.expires_at) EXECUTE FUNCTION fg_consent_changed();

CREATE FUNCTION fg_consent_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a consent is revoked, never deleted'; RETURN NULL; END $$;

CREATE TRIGGER tr_consent_stays BEFORE DELETE ON consent FOR EACH ROW EXECUTE FUNCTION fg_consent_stays();

CREATE FUNCTION fg_consent_keeps_its_place() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a consent never moves'; RETURN NULL; END $$;

CREATE TRIGGER tr_consent_keeps_its_place BEFORE UPDATE OF school_id, app_id, id ON consent FOR EACH ROW WHEN (old.school_id IS DISTINCT FROM new.school_id OR old.app_id IS DISTINCT FROM new.app_id OR old.id IS DISTINCT FROM new.id) EXECUTE FUNCTION fg_consent_keeps_its_place();

CREATE FUNCTION fg_consent_version_rises() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a version only rises'; RETURN NULL; END $$;

CREATE TRIGGER tr_consent_version_rises BEFORE UPDATE OF version ON consent FOR EACH ROW WHEN (new.version < old.version) EXECUTE FUNCTION fg_consent_version_rises();

CREATE FUNCTION fg_consent_truncated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a consent is revoked, never deleted'; RETURN NULL; END $$;

CREATE TRIGGER tr_consent_truncated BEFORE TRUNCATE ON consent FOR EACH STATEMENT EXECUTE FUNCTION fg_consent_truncated();

CREATE TABLE consent_grant (
    school_id VARCHAR COLLATE "C" NOT NULL,
    app_id VARCHAR COLLATE "C" NOT NULL,
    scope VARCHAR COLLATE "C" NOT NULL,
    granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    granted_by TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (school_id, app_id, scope)
);

CREATE FUNCTION fg_consent_grant_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1 WHERE school_id = new.school_id AND app_id = new.app_id; RETURN NULL; END $$;

CREATE TRIGGER tr_consent_grant_added AFTER INSERT ON consent_grant FOR EACH ROW EXECUTE FUNCTION fg_consent_grant_added();

CREATE FUNCTION fg_consent_grant_removed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1 WHERE school_id = old.school_id AND app_id = old.app_id; RETURN NULL; END $$;

CREATE TRIGGER tr_consent_grant_removed AFTER DELETE ON consent_grant FOR EACH ROW EXECUTE FUNCTION fg_consent_grant_removed();

CREATE FUNCTION fg_consent_grant_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1 WHERE school_id = old.school_id AND app_id = old.app_id; UPDATE consent SET version = version + 1 WHERE school_id = new.school_id AND app_id = new.app_id; RETURN NULL; END $$;

CREATE TRIGGER tr_consent_grant_changed AFTER UPDATE ON consent_grant FOR EACH ROW EXECUTE FUNCTION fg_consent_grant_changed();

CREATE FUNCTION fg_consent_grant_truncated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE consent SET version = version + 1; RETURN NULL; END $$;

CREATE TRIGGER tr_consent_grant_truncated BEFORE TRUNCATE ON consent_grant FOR EACH STATEMENT EXECUTE FUNCTION fg_consent_grant_truncated();

CREATE TABLE audit_event (
    school_id VARCHAR COLLATE "C" NOT NULL,
    seq INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    name VARCHAR COLLATE "C" NOT NULL,
    actor TEXT NOT NULL,
    actor_position TEXT,
    app_id VARCHAR COLLATE "C",
    details TEXT DEFAULT '{}' NOT NULL,
    PRIMARY KEY (school_id, seq)
);

CREATE TABLE audit_head (
    school_id VARCHAR COLLATE "C" NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (school_id)
);

CREATE TABLE import_run (
    school_id VARCHAR COLLATE "C" NOT NULL,
    id VARCHAR COLLATE "C" NOT NULL,
    source VARCHAR COLLATE "C" NOT NULL,
    state VARCHAR COLLATE "C" NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    heartbeat_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    error_code VARCHAR COLLATE "C",
    error_message TEXT,
    counts TEXT DEFAULT '{}' NOT NULL,
    PRIMARY KEY (school_id, id)
);

CREATE INDEX ix_import_run_finished_at ON import_run (school_id, state, finished_at);

CREATE TABLE import_finding (
    school_id VARCHAR COLLATE "C" NOT NULL,
    run_id VARCHAR COLLATE "C" NOT NULL,
    seq INTEGER NOT NULL,
    entity VARCHAR COLLATE "C" NOT NULL,
    source_id TEXT,
    field VARCHAR COLLATE "C",
    code VARCHAR COLLATE "C" NOT NULL,
    outcome VARCHAR COLLATE "C" NOT NULL,
    value TEXT,
    PRIMARY KEY (school_id, run_id, seq)
);
