using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;

namespace Updraft.Bench;

/// <summary>P9: what people look at of a Deployment with a long history, on both databases. Time is that of the whole answer, over loopback.</summary>
internal static class Pages
{
    private const int Deploys = 100_000;
    private const double MostMilliseconds = 200, MostBytes = 300_000;

    private static readonly (string Name, string Query)[] Looks =
    [
        ("the newest deploys, with charts", ""), ("deploys in the middle", "?below=50000"), ("by type, status and creator", "?type=DAG_ONLY&status=Deployed&person=owner"),
        ("a status without a match", "?status=Failed"), ("a text without a match: reads all", "?text=nothing%20like%20it"),
    ];

    public static async Task RunAsync(BenchOptions options, Table table)
    {
        using (var site = await Site.StartAsync(options, "p9"))
        {
            await Deploying.SmallAsync(site);
            await History.GrowAsync(site, site.Deployment, Deploys);
            await MeasureAsync(options, table, site, "SQLite");
        }
        if (options.Postgres is null)
        {
            table.Note("P9 needs packaging/postgres for its second half, which is not here.");
            return;
        }
        var folder = options.NewFolder("p9-db");
        var connection = (await ChildProcess.RunAsync([options.Postgres, folder])).Trim();
        try
        {
            using var site = await Site.StartAsync(options, "p9-postgres", $"--Database:ConnectionString={connection}");
            await Deploying.SmallAsync(site);
            await GrowAsync(site, folder);
            await MeasureAsync(options, table, site, "PostgreSQL");
        }
        finally
        {
            await ChildProcess.RunAsync([options.Postgres, folder, "stop"]);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MeasureAsync(BenchOptions options, Table table, Site site, string database)
    {
        using var reader = await SignInAsync(site);
        double most = 0;
        foreach (var (name, query) in Looks)
        {
            var address = new Uri(site.Address, $"/deployments/{site.Deployment}{query}");
            var samples = new List<double>();
            // The first ones compile what they need.
            for (var i = -5; i < options.Samples(30); i++)
            {
                var start = Stopwatch.GetTimestamp();
                var page = await reader.GetByteArrayAsync(address);
                if (i >= 0)
                    samples.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                most = Math.Max(most, page.Length);
            }
            table.Value("P9", $"100,000 deploys, {database}: {name}", Figures.Median(samples), Figures.Milliseconds, Goal.AtMost(MostMilliseconds));
        }
        table.Value("P9", $"100,000 deploys, {database}: the largest of these pages", most, Figures.Bytes, Goal.AtMost(MostBytes));
    }

    private static async Task<HttpClient> SignInAsync(Site site)
    {
        var reader = new HttpClient(new SocketsHttpHandler { UseProxy = false, CookieContainer = new CookieContainer() }) { Timeout = TimeSpan.FromMinutes(5) };
        reader.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("text/html"));
        var form = await reader.GetStringAsync(new Uri(site.Address, "/signin"));
        using var fields = new FormUrlEncodedContent(
            [KeyValuePair.Create("token", site.OwnerToken), KeyValuePair.Create("__RequestVerificationToken", FormToken(form))]);
        using var answer = await reader.PostAsync(new Uri(site.Address, "/signin"), fields);
        return answer.IsSuccessStatusCode ? reader : throw new BenchException($"The sign-in: {(int)answer.StatusCode}");
    }

    /// <summary>As <see cref="History.GrowAsync"/>, in PostgreSQL and while the server runs.</summary>
    private static async Task GrowAsync(Site site, string folder)
    {
        var deploys = await CopyAsync(folder, "deploys", "origin",
            "id = n.id, number = o.number + n.i, revision = o.revision + n.i, created_at = o.created_at + n.i * 10000, updated_at = o.updated_at + n.i * 10000");
        var revisions = await CopyAsync(folder, "revisions", "entry", "deploy_id = n.id, number = o.number + n.i, created_at = o.created_at + n.i * 10000");
        await QueryAsync(folder, $"""
            BEGIN;
            CREATE TEMP TABLE origin AS SELECT * FROM deploys WHERE deployment_id = '{site.Deployment}' ORDER BY number DESC LIMIT 1;
            CREATE TEMP TABLE entry AS SELECT r.* FROM revisions r JOIN origin o ON r.deployment_id = o.deployment_id AND r.number = o.revision;
            CREATE TEMP TABLE numbers AS SELECT i, '{Site.IdPrefix}' || lpad(i::text, 12, '0') AS id FROM generate_series(1, {Deploys} - (SELECT number FROM origin)) i;
            {deploys}
            {revisions}
            UPDATE deployments SET deploy_count = {Deploys}, revision = (SELECT max(number) FROM revisions WHERE deployment_id = '{site.Deployment}') WHERE id = '{site.Deployment}';
            COMMIT;
            ANALYZE;
            """);
    }

    private static async Task<string> CopyAsync(string folder, string table, string row, string changes)
    {
        var changed = changes.Split(", ").Select(change => change.Split(" = ", 2)).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
        var columns = (await QueryAsync(folder, $"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return $"INSERT INTO {table} ({string.Join(", ", columns)}) SELECT {string.Join(", ", columns.Select(column => changed.GetValueOrDefault(column, "o." + column)))} FROM numbers n, {row} o;";
    }

    private static Task<string> QueryAsync(string folder, string sql) =>
        ChildProcess.RunAsync(["psql", "-h", folder, "-U", "postgres", "-d", "postgres", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);

    /// <summary>The hidden field that makes a form one of the page.</summary>
    private static string FormToken(string page)
    {
        const string before = "name=\"__RequestVerificationToken\" value=\"";
        var start = page.IndexOf(before, StringComparison.Ordinal) + before.Length;
        return page[start..page.IndexOf('"', start)];
    }
}
