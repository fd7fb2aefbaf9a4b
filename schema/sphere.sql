-- Functions on the sphere that queries and generated columns use.  Immutable, so that indexes may use them too.
-- A DALI polygon is an array of longitudes and latitudes in degrees, in turn.

-- Read as text, because only pgSphere's input function refuses what is no polygon: edges that cross, missing numbers.
CREATE FUNCTION sphere.polygon(vertices double precision[]) RETURNS public.spoly
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT ('{' || string_agg(format('(%sd,%sd)', vertices[2 * i - 1], vertices[2 * i]), ',' ORDER BY i) || '}')::public.spoly
  FROM generate_series(1, cardinality(vertices) / 2) AS i
$$;
COMMENT ON FUNCTION sphere.polygon(double precision[]) IS 'A DALI polygon in degrees as a spherical polygon.';

-- The centroid of the area: the sum over the edges of the angle they span times their pole, which is the integral of
-- the unit vector over the polygon; turned to the side on which the vertices are, because the smaller side is meant.
CREATE FUNCTION sphere.centroid(vertices double precision[]) RETURNS double precision[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  WITH vertex AS (
    SELECT i, cos(radians(lat)) * cos(radians(lon)) AS x, cos(radians(lat)) * sin(radians(lon)) AS y,
           sin(radians(lat)) AS z
    FROM (SELECT i, vertices[2 * i - 1] AS lon, vertices[2 * i] AS lat
          FROM generate_series(1, cardinality(vertices) / 2) AS i) AS listed
  ), edge AS (
    SELECT a.y * b.z - a.z * b.y AS px, a.z * b.x - a.x * b.z AS py, a.x * b.y - a.y * b.x AS pz,
           a.x * b.x + a.y * b.y + a.z * b.z AS cosine, a.x, a.y, a.z
    FROM vertex AS a JOIN vertex AS b ON b.i = a.i % (SELECT count(*) FROM vertex) + 1
  ), spanned AS (
    SELECT *, CASE WHEN sine > 0 THEN atan2(sine, cosine) / sine ELSE 0 END AS factor
    FROM (SELECT *, sqrt(px * px + py * py + pz * pz) AS sine FROM edge) AS measured
  ), total AS (
    SELECT sum(px * factor) AS cx, sum(py * factor) AS cy, sum(pz * factor) AS cz,
           sum(x) AS mx, sum(y) AS my, sum(z) AS mz
    FROM spanned
  ), turned AS (
    SELECT side * cx AS cx, side * cy AS cy, side * cz AS cz
    FROM (SELECT *, CASE WHEN cx * mx + cy * my + cz * mz < 0 THEN -1 ELSE 1 END AS side FROM total) AS sided
  )
  SELECT ARRAY[
    degrees(atan2(cy, cx)) + CASE WHEN atan2(cy, cx) < 0 THEN 360 ELSE 0 END,
    degrees(atan2(cz, sqrt(cx * cx + cy * cy)))
  ]
  FROM turned
$$;
COMMENT ON FUNCTION sphere.centroid(double precision[]) IS 'The centroid of a DALI polygon in degrees.';
