// What clients ask for when they connect: system variables, with the values of a fresh MySQL 5.7.

/** The last whose servers check mysql_native_password unless told otherwise. */
export const VERSION = '5.7.44-vxlab';

export const SYSTEM_VARIABLES: Readonly<Record<string, number | string>> = {
  auto_increment_increment: 1,
  autocommit: 1,
  character_set_client: 'utf8mb4',
  character_set_connection: 'utf8mb4',
  character_set_database: 'utf8mb4',
  character_set_results: 'utf8mb4',
  character_set_server: 'utf8mb4',
  collation_connection: 'utf8mb4_general_ci',
  collation_database: 'utf8mb4_general_ci',
  collation_server: 'utf8mb4_general_ci',
  init_connect: '',
  interactive_timeout: 28800,
  license: 'MIT',
  lower_case_table_names: 0,
  max_allowed_packet: 1048576,
  net_buffer_length: 16384,
  net_write_timeout: 60,
  performance_schema: 0,
  query_cache_size: 0,
  query_cache_type: 'OFF',
  sql_mode: 'STRICT_TRANS_TABLES',
  system_time_zone: 'UTC',
  time_zone: 'SYSTEM',
  transaction_isolation: 'REPEATABLE-READ',
  tx_isolation: 'REPEATABLE-READ',
  version: VERSION,
  version_comment: 'vxlab',
  wait_timeout: 28800,
};
