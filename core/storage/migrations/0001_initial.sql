-- Everything core knows. Every table that belongs to a channel has a primary key that starts with channel_id, so that the data can be
-- partitioned or distributed by it. Content, notes and failures are stored as anychannel.v1 protobuf bytes.
-- The tables of the hot path have no foreign keys: each would lock its parent row once more for every message.

-- Each revision of any channel is another number, so that a channel removed and added again is not taken for the old one.
CREATE SEQUENCE channel_revisions;

CREATE TABLE channels (
  channel_id      text PRIMARY KEY,
  platform        text NOT NULL,
  display_name    text NOT NULL DEFAULT '',
  settings        jsonb NOT NULL DEFAULT '{}',  -- what is not secret
  sealed          bytea NOT NULL,               -- secret settings, the inbox's tokens and the webhook token: JSON, encrypted
  inbox           jsonb NOT NULL,               -- the inbox binding without its tokens
  platform_rate   double precision NOT NULL,    -- deliveries a second
  inbox_rate      double precision NOT NULL,    -- requests a second
  expire_after    interval NOT NULL,
  paused          boolean NOT NULL DEFAULT false,
  revision        bigint NOT NULL DEFAULT nextval('channel_revisions'),  -- another with every change; caches compare it
  create_time     timestamptz NOT NULL DEFAULT now(),
  update_time     timestamptz NOT NULL DEFAULT now()
);

-- A channel's queue in one direction. lane is an anychannel.v1.Lane here and below: 1 to the platform, 2 to the inbox.
CREATE TABLE lanes (
  channel_id      text NOT NULL REFERENCES channels ON DELETE CASCADE,
  lane            smallint NOT NULL,
  rate            double precision NOT NULL,    -- slots a second: the channel's, or the platform's where that is less
  slot_time       timestamptz NOT NULL DEFAULT '-infinity',  -- the next free slot (the theoretical arrival time of GCRA)
  wake_time       timestamptz NOT NULL DEFAULT 'infinity',   -- not before then is there anything to claim
  paused_until    timestamptz NOT NULL DEFAULT '-infinity',  -- the other side is down, or asked us to wait
  probes          integer NOT NULL DEFAULT 0,   -- failed tries to reach the other side since it was last up
  pause_reason    text NOT NULL DEFAULT '',
  PRIMARY KEY (channel_id, lane)
) WITH (fillfactor = 50);
CREATE INDEX lanes_wake ON lanes (wake_time);

CREATE TABLE contacts (
  channel_id      text NOT NULL,
  address         text NOT NULL,                -- their id on the platform
  contact_id      text NOT NULL,                -- their id in the inbox
  profile         bytea NOT NULL DEFAULT '',    -- anychannel.v1.Contact
  last_inbound_time timestamptz,
  create_time     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (channel_id, address),
  UNIQUE (channel_id, contact_id)
);

CREATE TABLE messages (
  channel_id      text NOT NULL,
  message_id      text NOT NULL,                -- sorts by time
  direction       smallint NOT NULL,            -- anychannel.v1.Direction
  origin          smallint NOT NULL,            -- anychannel.v1.Origin
  address         text NOT NULL,
  contact_id      text NOT NULL,
  content         bytea NOT NULL,
  notes           jsonb NOT NULL DEFAULT '[]',  -- [[code, text], ...]
  envelopes       smallint NOT NULL DEFAULT 1,  -- how many events tell the inbox of it
  status          smallint NOT NULL,            -- anychannel.v1.Status; 0 for inbound
  status_time     timestamptz NOT NULL,
  failure         bytea,
  told            smallint NOT NULL,            -- has the inbox been told the id: 0 not yet, 1 told, 2 it never will be
  request_id      text,
  platform_event_id text,
  platform_message_id text,                     -- of what came from the platform
  create_time     timestamptz NOT NULL DEFAULT now(),
  event_time      timestamptz NOT NULL,
  expire_time     timestamptz,
  PRIMARY KEY (channel_id, message_id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX messages_request ON messages (channel_id, request_id) WHERE request_id IS NOT NULL;
CREATE UNIQUE INDEX messages_platform_event ON messages (channel_id, platform_event_id) WHERE platform_event_id IS NOT NULL;
CREATE INDEX messages_id ON messages (message_id); -- callers name a message by its id alone
CREATE INDEX messages_contact ON messages (channel_id, address, message_id);

CREATE TABLE parts (
  channel_id      text NOT NULL,
  message_id      text NOT NULL,
  part_index      smallint NOT NULL,
  part_count      smallint NOT NULL,
  content         bytea NOT NULL,
  status          smallint NOT NULL,
  failure         bytea,
  platform_message_id text,
  PRIMARY KEY (channel_id, message_id, part_index)
) WITH (fillfactor = 80);
CREATE INDEX parts_platform_message ON parts (channel_id, platform_message_id) WHERE platform_message_id IS NOT NULL;

-- One thing on a lane until it is settled; then it is gone.
CREATE TABLE deliveries (
  channel_id      text NOT NULL,
  lane            smallint NOT NULL,
  delivery_id     bigint GENERATED ALWAYS AS IDENTITY,
  priority        smallint NOT NULL,            -- lower goes first
  address         text NOT NULL,
  message_id      text NOT NULL,
  kind            smallint NOT NULL,            -- 0 part, 1 message, 2 echo, 3 status
  item_index      smallint NOT NULL DEFAULT 0,  -- which part, or which envelope of a message
  revision        integer NOT NULL DEFAULT 0,   -- of a status: grows when a newer status replaces it
  not_before      timestamptz,
  expire_time     timestamptz NOT NULL
);
CREATE INDEX deliveries_contact ON deliveries (channel_id, lane, priority, address, delivery_id);
CREATE INDEX deliveries_message ON deliveries (channel_id, message_id);
CREATE UNIQUE INDEX deliveries_status ON deliveries (channel_id, message_id) WHERE kind = 3;
-- After the other indexes: of two that look equally good, as they may while the table has no statistics, the newest is taken.
ALTER TABLE deliveries ADD PRIMARY KEY (channel_id, lane, delivery_id);

-- Whose turn it is: the first delivery of each contact that has any, within a lane and a priority. Locking this row is what keeps one contact's
-- deliveries in order. A lease is a due_time in the future.
CREATE TABLE turns (
  channel_id      text NOT NULL,
  lane            smallint NOT NULL,
  priority        smallint NOT NULL,
  address         text NOT NULL,
  delivery_id     bigint NOT NULL,
  due_time        timestamptz NOT NULL,
  leased          boolean NOT NULL DEFAULT false,
  fence           bigint NOT NULL DEFAULT 0,    -- grows with every claim; an outcome with an older one is void
  attempt_count   integer NOT NULL DEFAULT 0,   -- of the first delivery
  -- What a claim looks through. A column of its own, so that nothing but a claim can be planned with its index: while the table has no
  -- statistics, one on lane and priority looks as good for finding one contact as the primary key, and reads the whole queue.
  queue           smallint NOT NULL GENERATED ALWAYS AS (2 * lane + priority) STORED,
  PRIMARY KEY (channel_id, lane, priority, address)
) WITH (fillfactor = 70);
CREATE INDEX turns_due ON turns (channel_id, queue, due_time);

CREATE TABLE attempts (
  channel_id      text NOT NULL,
  message_id      text NOT NULL,
  delivery_id     bigint NOT NULL,
  fence           bigint NOT NULL,
  number          integer NOT NULL,
  lane            smallint NOT NULL,
  kind            smallint NOT NULL,
  item_index      smallint NOT NULL,
  start_time      timestamptz NOT NULL,
  end_time        timestamptz,
  failure         bytea,
  retry_time      timestamptz,
  PRIMARY KEY (channel_id, message_id, delivery_id, fence)
) WITH (fillfactor = 80);

-- What happened to messages, in an order that watchers can follow: a row is seen by them once every transaction before its own has ended.
CREATE TABLE events (
  channel_id      text NOT NULL,
  event_id        bigint GENERATED ALWAYS AS IDENTITY,
  transaction_id  xid8 NOT NULL DEFAULT pg_current_xact_id(),
  message_id      text NOT NULL,
  status          smallint NOT NULL,            -- 0 for inbound messages
  is_new          boolean NOT NULL DEFAULT false, -- the message was stored, with this status
  event_time      timestamptz NOT NULL,
  failure         bytea,
  create_time     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (channel_id, event_id)
);
CREATE INDEX events_message ON events (channel_id, message_id);
CREATE INDEX events_order ON events (transaction_id, event_id);

-- Reports that came before the send they speak of was recorded.
CREATE TABLE early_reports (
  channel_id      text NOT NULL,
  platform_message_id text NOT NULL,
  status          smallint NOT NULL,
  event_time      timestamptz NOT NULL,
  failure         bytea,
  create_time     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (channel_id, platform_message_id, status)
);
CREATE INDEX early_reports_age ON early_reports (create_time);

CREATE TABLE dead_letters (
  channel_id      text NOT NULL,
  dead_letter_id  text NOT NULL,                -- sorts by time
  lane            smallint NOT NULL,
  priority        smallint NOT NULL,
  address         text NOT NULL,
  message_id      text NOT NULL,
  kind            smallint NOT NULL,
  item_index      smallint NOT NULL,
  failure         bytea NOT NULL,
  failure_kind    smallint NOT NULL,
  attempt_count   integer NOT NULL,
  create_time     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (channel_id, dead_letter_id)
);

-- Who listens to a channel whose platform has no webhooks, and how far it got.
CREATE TABLE listeners (
  channel_id      text PRIMARY KEY REFERENCES channels ON DELETE CASCADE,
  cursor          text NOT NULL DEFAULT '',
  holder          text NOT NULL DEFAULT '',
  lease_time      timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE TABLE providers (
  platform        text PRIMARY KEY,
  address         text NOT NULL,
  description     bytea,                        -- anychannel.v1.DescribeResponse
  rate            double precision NOT NULL DEFAULT 0,  -- parts a second the platform takes on one channel; 0 = no limit
  describe_time   timestamptz,
  register_time   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
  key_id          text PRIMARY KEY,
  display_name    text NOT NULL,
  secret_hash     bytea NOT NULL UNIQUE,        -- SHA-256 of the secret, which has 256 random bits
  scopes          text[] NOT NULL,
  channel_ids     text[] NOT NULL DEFAULT '{}', -- empty = all
  create_time     timestamptz NOT NULL DEFAULT now(),
  revoke_time     timestamptz
);
