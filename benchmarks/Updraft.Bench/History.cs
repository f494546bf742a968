namespace Updraft.Bench;

/// <summary>Gives Deployments a long history without deploying so often.</summary>
internal static class History
{
    /// <summary>
    /// Copies the newest finalized deploy and its revision until the Deployment has this number of deploys. Restarts the server.
    /// </summary>
    /// <returns>The id of the deploy in the middle of the history.</returns>
    public static async Task<string> GrowAsync(Site site, string deployment, int count)
    {
        var deploys = site.RepeatSql("deploys", "origin",
            "id = n.id, number = o.number + n.i, revision = o.revision + n.i, "
                + "created_at = o.created_at + n.i, updated_at = o.updated_at + n.i");
        var revisions = site.RepeatSql(
            "revisions", "entry", "deploy_id = n.id, number = o.number + n.i, created_at = o.created_at + n.i");
        await site.StopServerAsync();
        await site.ExecuteSqlAsync($"""
            PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-200000;
            BEGIN;
            CREATE TEMP TABLE origin AS SELECT * FROM deploys WHERE deployment_id = '{deployment}' ORDER BY number DESC LIMIT 1;
            CREATE TEMP TABLE entry AS SELECT r.* FROM revisions r
              JOIN origin o ON r.deployment_id = o.deployment_id AND r.number = o.revision;
            CREATE TEMP TABLE numbers AS
              WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - (SELECT number FROM origin))
              SELECT i, '{Site.IdPrefix}' || printf('%012d', i) AS id FROM n;
            {deploys}
            {revisions}
            UPDATE deployments
              SET deploy_count = {count}, revision = (SELECT max(number) FROM revisions WHERE deployment_id = '{deployment}')
              WHERE id = '{deployment}';
            COMMIT;
            PRAGMA wal_checkpoint(TRUNCATE);
            """);
        await site.StartServerAsync();
        return Site.RepeatedId(count / 2);
    }
}
