CREATE TABLE accounts (
	id BIGINT GENERATED ALWAYS AS IDENTITY,
	login TEXT NOT NULL,
	password_hash TEXT NOT NULL,
	role TEXT NOT NULL,
	may_act BOOLEAN DEFAULT false NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	disabled_at TIMESTAMP WITH TIME ZONE,
	certificate TEXT,
	CONSTRAINT accounts_pkey PRIMARY KEY (id),
	CONSTRAINT accounts_login_key UNIQUE (login),
	CONSTRAINT accounts_certificate_key UNIQUE (certificate)
);

CREATE TABLE audit_events (
	id UUID NOT NULL,
	at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	account_id BIGINT,
	who TEXT NOT NULL,
	action TEXT NOT NULL,
	organization_id BIGINT,
	object TEXT,
	address TEXT,
	detail JSONB,
	CONSTRAINT audit_events_pkey PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE INDEX audit_events_account_idx ON audit_events (account_id, id);

CREATE INDEX audit_events_object_idx ON audit_events (object, id);

CREATE TABLE inbound_documents (
	id UUID NOT NULL,
	service_code TEXT NOT NULL,
	organization_id BIGINT,
	document_type TEXT NOT NULL,
	packet_id UUID,
	received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	content BYTEA NOT NULL,
	taken_at TIMESTAMP WITH TIME ZONE,
	confirmed_at TIMESTAMP WITH TIME ZONE,
	accepted BOOLEAN,
	reason TEXT,
	CONSTRAINT inbound_documents_pkey PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE INDEX inbound_documents_waiting_idx ON inbound_documents (organization_id, service_code, id) WHERE confirmed_at IS NULL;

CREATE TABLE installation (
	id SMALLINT NOT NULL CONSTRAINT installation_single_check CHECK (id = 1),
	secret BYTEA NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT installation_pkey PRIMARY KEY (id)
);

CREATE TABLE notifications (
	id UUID NOT NULL,
	launch_id UUID NOT NULL,
	organization_id BIGINT NOT NULL,
	channel TEXT NOT NULL,
	patient_name TEXT NOT NULL,
	patient_birth_date DATE NOT NULL,
	status TEXT NOT NULL,
	sent_at TIMESTAMP WITH TIME ZONE,
	error_text TEXT,
	CONSTRAINT notifications_pkey PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE INDEX notifications_launch_idx ON notifications (launch_id, status, id);

CREATE TABLE organizations (
	id BIGINT GENERATED ALWAYS AS IDENTITY,
	oid TEXT NOT NULL,
	name TEXT NOT NULL,
	codes JSONB DEFAULT '{}' NOT NULL,
	CONSTRAINT organizations_pkey PRIMARY KEY (id),
	CONSTRAINT organizations_oid_key UNIQUE (oid)
);

CREATE TABLE packets (
	id UUID NOT NULL,
	launch_id UUID NOT NULL,
	service_code TEXT NOT NULL,
	organization_id BIGINT NOT NULL,
	direction TEXT DEFAULT 'EXPORT' NOT NULL,
	packet_type TEXT NOT NULL,
	operation TEXT NOT NULL,
	status TEXT NOT NULL,
	result_text TEXT,
	held BOOLEAN DEFAULT false NOT NULL,
	attempts INTEGER DEFAULT 0 NOT NULL,
	tries SMALLINT DEFAULT 0 NOT NULL,
	object_id TEXT,
	source_object_id BIGINT,
	content_hash BYTEA,
	items_total INTEGER,
	items_not_accepted INTEGER,
	data_size INTEGER,
	data_sha256 BYTEA,
	answer_size INTEGER,
	answer_sha256 BYTEA,
	changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT packets_pkey PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE INDEX packets_changed_idx ON packets (changed_at, id);

CREATE INDEX packets_held_idx ON packets (service_code, id) WHERE held;

CREATE INDEX packets_launch_idx ON packets (launch_id, id);

CREATE INDEX packets_launch_status_idx ON packets (launch_id, status, id);

CREATE INDEX packets_object_idx ON packets (object_id, id);

CREATE INDEX packets_open_idx ON packets (service_code, status, operation, packet_type, id) WHERE status IN ('FORMED', 'IN_DOUBT', 'SENDING', 'SENT', 'SEND_ERROR');

CREATE INDEX packets_organization_idx ON packets (organization_id, id);

CREATE INDEX packets_organization_status_idx ON packets (organization_id, status, id);

CREATE INDEX packets_service_idx ON packets (service_code, id);

CREATE INDEX packets_status_idx ON packets (service_code, status, id);

CREATE INDEX packets_type_idx ON packets (service_code, packet_type, operation, id);

CREATE TABLE service_settings (
	service_code TEXT NOT NULL,
	enabled BOOLEAN DEFAULT true NOT NULL,
	schedule TEXT,
	changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT service_settings_pkey PRIMARY KEY (service_code)
);

CREATE TABLE session_errors (
	id UUID NOT NULL,
	launch_id UUID NOT NULL,
	event_id UUID NOT NULL,
	stage TEXT NOT NULL,
	message TEXT NOT NULL,
	about TEXT,
	at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT session_errors_pkey PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE INDEX session_errors_launch_idx ON session_errors (launch_id, id);

CREATE TABLE session_events (
	id UUID NOT NULL,
	launch_id UUID NOT NULL,
	code TEXT NOT NULL,
	title TEXT NOT NULL,
	about TEXT,
	started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	sent_at TIMESTAMP WITH TIME ZONE,
	answered_at TIMESTAMP WITH TIME ZONE,
	finished_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT session_events_pkey PRIMARY KEY (id)
)
 PARTITION BY RANGE (id);

CREATE INDEX session_events_launch_idx ON session_events (launch_id, id);

CREATE TABLE spent_nonces (
	digest BYTEA NOT NULL,
	spent_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT spent_nonces_pkey PRIMARY KEY (digest)
);

CREATE INDEX spent_nonces_spent_at_idx ON spent_nonces (spent_at);

CREATE TABLE account_organizations (
	account_id BIGINT NOT NULL,
	organization_id BIGINT NOT NULL,
	CONSTRAINT account_organizations_pkey PRIMARY KEY (account_id, organization_id),
	CONSTRAINT account_organizations_account_id_fkey FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
	CONSTRAINT account_organizations_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id)
);

CREATE TABLE attempts (
	packet_id UUID NOT NULL,
	number INTEGER NOT NULL,
	started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	finished_at TIMESTAMP WITH TIME ZONE,
	outcome TEXT,
	error_text TEXT,
	CONSTRAINT attempts_pkey PRIMARY KEY (packet_id, number),
	CONSTRAINT attempts_packet_id_fkey FOREIGN KEY(packet_id) REFERENCES packets (id)
)
 PARTITION BY RANGE (packet_id);

CREATE TABLE launch_requests (
	account_id BIGINT NOT NULL,
	request_id TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	launch_ids UUID[] NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	CONSTRAINT launch_requests_pkey PRIMARY KEY (account_id, request_id),
	CONSTRAINT launch_requests_account_id_fkey FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE TABLE launches (
	id UUID NOT NULL,
	service_code TEXT NOT NULL,
	started_at TIMESTAMP WITH TIME ZONE NOT NULL,
	finished_at TIMESTAMP WITH TIME ZONE,
	result TEXT NOT NULL,
	result_text TEXT,
	result_counts TEXT,
	scope BIGINT[],
	organization_id BIGINT,
	packet_group_id UUID,
	account_id BIGINT,
	started_by TEXT NOT NULL,
	stop_requested_at TIMESTAMP WITH TIME ZONE,
	stage TEXT DEFAULT 'REARM' NOT NULL,
	answers_until TIMESTAMP WITH TIME ZONE,
	last_event_code TEXT,
	CONSTRAINT launches_pkey PRIMARY KEY (id),
	CONSTRAINT launches_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id),
	CONSTRAINT launches_account_id_fkey FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE INDEX launches_failed_idx ON launches (service_code, id) WHERE result = 'FAILED';

CREATE INDEX launches_group_idx ON launches (packet_group_id) WHERE packet_group_id IS NOT NULL;

CREATE INDEX launches_organization_idx ON launches (organization_id, service_code, id);

CREATE INDEX launches_running_idx ON launches (service_code) WHERE result = 'RUNNING';

CREATE INDEX launches_service_idx ON launches (service_code, id);

CREATE INDEX launches_started_by_idx ON launches (account_id, service_code, id);

CREATE TABLE packet_bodies (
	packet_id UUID NOT NULL,
	kind TEXT NOT NULL,
	media_type TEXT NOT NULL,
	content BYTEA NOT NULL,
	CONSTRAINT packet_bodies_pkey PRIMARY KEY (packet_id, kind),
	CONSTRAINT packet_bodies_kind_check CHECK (kind IN ('DATA', 'ANSWER')),
	CONSTRAINT packet_bodies_packet_id_fkey FOREIGN KEY(packet_id) REFERENCES packets (id)
)
 PARTITION BY RANGE (packet_id);

CREATE TABLE packet_findings (
	packet_id UUID NOT NULL,
	position INTEGER NOT NULL,
	path TEXT NOT NULL,
	line INTEGER,
	code TEXT NOT NULL,
	message TEXT NOT NULL,
	CONSTRAINT packet_findings_pkey PRIMARY KEY (packet_id, position),
	CONSTRAINT packet_findings_packet_id_fkey FOREIGN KEY(packet_id) REFERENCES packets (id)
)
 PARTITION BY RANGE (packet_id);

CREATE TABLE packet_items (
	packet_id UUID NOT NULL,
	position INTEGER NOT NULL,
	object_id TEXT NOT NULL,
	source_object_id BIGINT NOT NULL,
	content_hash BYTEA,
	outcome TEXT,
	message TEXT,
	CONSTRAINT packet_items_pkey PRIMARY KEY (packet_id, position),
	CONSTRAINT packet_items_packet_id_fkey FOREIGN KEY(packet_id) REFERENCES packets (id)
)
 PARTITION BY RANGE (packet_id);

CREATE TABLE reports (
	id UUID NOT NULL,
	account_id BIGINT NOT NULL,
	viewer JSONB NOT NULL,
	kind TEXT NOT NULL,
	format TEXT NOT NULL,
	filter JSONB NOT NULL,
	status TEXT NOT NULL,
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	finished_at TIMESTAMP WITH TIME ZONE,
	size BIGINT,
	error TEXT,
	CONSTRAINT reports_pkey PRIMARY KEY (id),
	CONSTRAINT reports_account_id_fkey FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX reports_created_at_idx ON reports (created_at);

CREATE INDEX reports_waiting_idx ON reports (account_id) WHERE status = 'WAITING';

CREATE TABLE service_organizations (
	service_code TEXT NOT NULL,
	organization_id BIGINT NOT NULL,
	last_success_at TIMESTAMP WITH TIME ZONE,
	CONSTRAINT service_organizations_pkey PRIMARY KEY (service_code, organization_id),
	CONSTRAINT service_organizations_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id)
);

CREATE TABLE source_objects (
	id BIGINT GENERATED ALWAYS AS IDENTITY,
	service_code TEXT NOT NULL,
	organization_id BIGINT NOT NULL,
	object_type TEXT NOT NULL,
	object_id TEXT NOT NULL,
	changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
	received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	deleted BOOLEAN DEFAULT false NOT NULL,
	content BYTEA NOT NULL,
	content_hash BYTEA NOT NULL,
	batch_id TEXT,
	last_packet_id UUID,
	last_status TEXT,
	last_hash BYTEA,
	last_rules TEXT,
	accepted_hash BYTEA,
	held BOOLEAN DEFAULT false NOT NULL,
	repeat_requested BOOLEAN DEFAULT false NOT NULL,
	due BOOLEAN GENERATED ALWAYS AS (
NOT held AND CASE
  WHEN last_status NOT IN ('ACCEPTED', 'FORM_ERROR', 'PARTIAL', 'REJECTED') THEN false
  WHEN (CASE WHEN deleted THEN NULL ELSE content_hash END) IS NOT DISTINCT FROM accepted_hash THEN false
  WHEN last_status = 'FORM_ERROR'
    THEN (CASE WHEN deleted THEN NULL ELSE content_hash END) IS DISTINCT FROM last_hash
  WHEN last_status = 'REJECTED'
    THEN repeat_requested OR (CASE WHEN deleted THEN NULL ELSE content_hash END) IS DISTINCT FROM last_hash
  ELSE true
END
) STORED NOT NULL,
	CONSTRAINT source_objects_pkey PRIMARY KEY (id),
	CONSTRAINT source_objects_object_key UNIQUE (service_code, organization_id, object_type, object_id),
	CONSTRAINT source_objects_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id)
);

CREATE INDEX source_objects_due_idx ON source_objects (service_code, object_type, id) WHERE due;

CREATE INDEX source_objects_form_error_idx ON source_objects (service_code, object_type, id) WHERE last_status = 'FORM_ERROR';

CREATE TABLE launch_counters (
	launch_id UUID NOT NULL,
	organization_id BIGINT NOT NULL,
	service_code TEXT NOT NULL,
	packets_total INTEGER DEFAULT 0 NOT NULL,
	packets_with_errors INTEGER DEFAULT 0 NOT NULL,
	error_count INTEGER DEFAULT 0 NOT NULL,
	notifications_formed INTEGER DEFAULT 0 NOT NULL,
	notifications_sent INTEGER DEFAULT 0 NOT NULL,
	CONSTRAINT launch_counters_pkey PRIMARY KEY (launch_id, organization_id),
	CONSTRAINT launch_counters_launch_id_fkey FOREIGN KEY(launch_id) REFERENCES launches (id),
	CONSTRAINT launch_counters_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id)
);

CREATE INDEX launch_counters_organization_idx ON launch_counters (organization_id, service_code, launch_id);

CREATE TABLE outbox (
	id UUID NOT NULL,
	task TEXT NOT NULL,
	service_code TEXT NOT NULL,
	launch_id UUID,
	created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	not_before TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
	published_at TIMESTAMP WITH TIME ZONE,
	lease_owner TEXT,
	lease_token BIGINT DEFAULT 0 NOT NULL,
	lease_until TIMESTAMP WITH TIME ZONE,
	failures INTEGER DEFAULT 0 NOT NULL,
	crashes INTEGER DEFAULT 0 NOT NULL,
	deaths INTEGER DEFAULT 0 NOT NULL,
	CONSTRAINT outbox_pkey PRIMARY KEY (id),
	CONSTRAINT outbox_launch_id_key UNIQUE (launch_id),
	CONSTRAINT outbox_launch_id_fkey FOREIGN KEY(launch_id) REFERENCES launches (id)
);

CREATE UNIQUE INDEX outbox_answers_idx ON outbox (service_code) WHERE task = 'answers';

CREATE INDEX outbox_not_before_idx ON outbox (not_before);

CREATE TABLE report_chunks (
	report_id UUID NOT NULL,
	position INTEGER NOT NULL,
	content BYTEA NOT NULL,
	CONSTRAINT report_chunks_pkey PRIMARY KEY (report_id, position),
	CONSTRAINT report_chunks_report_id_fkey FOREIGN KEY(report_id) REFERENCES reports (id) ON DELETE CASCADE
);
