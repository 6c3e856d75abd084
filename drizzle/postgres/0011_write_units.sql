-- Stores units of several runs in one transaction. Each list of p_units holds the parameters of write_unit as text, but for
-- the blobs, whose length is the last; the blobs of all lie one behind the other in p_blobs. p_run is any of the runs. Gives,
-- for each unit, whether it was stored. It hardly waits for a run that another transaction changes now, as the other units
-- would wait, too: it fails, and nothing is stored. Without a deadlock where the runs come in one order everywhere.
create function write_units(p_run text, p_units text[], p_blobs bytea) returns boolean[] language plpgsql
set lock_timeout = '100ms' as $$
declare
  u text[];
  v_at integer := 1;
  v_stored boolean[] := '{}';
begin
  foreach u slice 1 in array p_units loop
    v_stored := v_stored || write_unit(
      u[1], u[2]::bigint, u[3]::bigint, u[4]::bigint, u[5]::bigint, u[6]::bigint,
      u[7]::bigint, u[8]::bigint, u[9]::bigint, u[10], u[11], u[12], u[13]::bigint,
      u[14]::double precision, u[15]::double precision, u[16]::bigint, u[17]::bigint,
      u[18]::integer, u[19]::bigint, u[20], u[21]::bigint,
      u[22]::boolean, u[23]::bigint, u[24]::bigint, u[25]::bigint, u[26]::bigint,
      u[27], u[28]::bigint, u[29]::integer,
      u[30]::bigint[], u[31]::bigint[], u[32]::bigint[], u[33]::bigint[], u[34]::bigint[],
      substring(p_blobs from v_at for u[35]::integer));
    v_at := v_at + u[35]::integer;
  end loop;
  return v_stored;
end
$$;
