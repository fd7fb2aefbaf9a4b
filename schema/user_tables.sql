-- TAP_SCHEMA as one account sees it: what is published, then its own tables.  The role of the queries may not read
-- accounts.user_table, which has the tables of all; these functions read it with the rights of their owner.

CREATE OR REPLACE FUNCTION user_tables.schemas(account text) RETURNS SETOF tap_schema.schemas
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tap_schema.schemas
  UNION ALL
  SELECT (jsonb_populate_record(NULL::tap_schema.schemas, jsonb_build_object(
    'schema_name', account, 'description', 'Tables of your own.',
    'schema_index', (SELECT count(*) FROM tap_schema.schemas)))).*
  WHERE EXISTS (SELECT FROM accounts.user_table AS own WHERE own.owner = account)
$$;

CREATE OR REPLACE FUNCTION user_tables.tables(account text) RETURNS SETOF tap_schema.tables
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tap_schema.tables
  UNION ALL
  SELECT (jsonb_populate_record(NULL::tap_schema.tables, jsonb_build_object(
    'schema_name', own.owner, 'table_name', own.owner || '.' || own.name, 'table_type', 'table',
    'description', own.description,
    'table_index', (SELECT count(*) FROM tap_schema.tables) + row_number() OVER (ORDER BY own.name) - 1))).*
  FROM accounts.user_table AS own WHERE own.owner = account
$$;

CREATE OR REPLACE FUNCTION user_tables.columns(account text) RETURNS SETOF tap_schema.columns
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM tap_schema.columns
  UNION ALL
  SELECT (jsonb_populate_record(NULL::tap_schema.columns, described || jsonb_build_object(
    'table_name', own.owner || '.' || own.name, 'column_name', described ->> 'written', 'column_index', place - 1,
    'indexed', (described ->> 'indexed')::boolean::int, 'principal', (described ->> 'principal')::boolean::int,
    'std', 0))).*
  FROM accounts.user_table AS own, jsonb_array_elements(own.columns) WITH ORDINALITY AS listed(described, place)
  WHERE own.owner = account
$$;
