using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Updraft.Protocol;

namespace Updraft.Browser.Tests.Support;

/// <summary>
/// A server with a history of two weeks, so that pages have realistic content: one Deployment with three agents and a rollback, one with a
/// failed agent, and an empty one. The agents are simulated over their API.
/// </summary>
internal sealed class SampleHistory : IAsyncDisposable
{
    private static readonly (double DaysAgo, string Description, string Sha, string[] Lines)[] Past =
    [
        (13.1, "First deploy", "44b9b9229c51", ["schedule = 'daily'", "limit = 10"]),
        (12.4, "Invoices every hour", "bd5be8b84560", ["schedule = 'hourly'", "limit = 10"]),
        (10.2, "Retry the payment export", "7d73a4aec512", ["schedule = 'hourly'", "limit = 10", "retries = 3"]),
        (7.3, "Alert on late deliveries", "c2c6fb33a7f0", ["schedule = 'hourly'", "limit = 20", "retries = 3"]),
        (5.1, "Fix the currency of refunds", "89eeb5e99671", ["schedule = 'hourly'", "limit = 20", "retries = 5"]),
        (2.2, "Reports by region", "91b7c0de2214", ["schedule = 'hourly'", "limit = 100", "retries = 5"]),
        (0.02, "Load all orders", "77aa11bb22f3", ["schedule = 'hourly'", "limit = 1000", "retries = 5"]),
    ];

    private readonly MovedClock _clock;

    private SampleHistory(UpdraftServer server, MovedClock clock, PageSite site) => (Server, _clock, Site) = (server, clock, site);

    public UpdraftServer Server { get; }

    /// <summary>The healthy Deployment.</summary>
    public PageSite Site { get; }

    /// <summary>The Deployment with a failed agent.</summary>
    public PageSite Failing { get; private set; } = null!;

    /// <summary>Deploys of the healthy Deployment, oldest first, with their versions.</summary>
    public List<(string Id, string Version)> Deploys { get; } = [];

    /// <summary>Id of the rollback, the newest finalized deploy of the healthy Deployment.</summary>
    public string Rollback { get; private set; } = "";

    /// <summary>Id of the DAG bundle of the healthy Deployment.</summary>
    public string Bundle { get; private set; } = "";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <param name="settings">Additional settings of the server.</param>
    /// <param name="prepare">Runs before the first deploy.</param>
    public static async Task<SampleHistory> CreateAsync(IReadOnlyDictionary<string, string>? settings = null,
        Func<UpdraftServer, Task>? prepare = null)
    {
        var clock = new MovedClock { Offset = TimeSpan.FromDays(-14) };
        var server = await UpdraftServer.StartAsync(clock, settings: settings);
        if (prepare is not null)
            await prepare(server);
        var history = new SampleHistory(server, clock, await PageSite.CreateAsync(server, "production"));
        await history.AddDeploysAsync();
        await PageSite.CreateAsync(server, "experiments");
        history.Failing = await PageSite.CreateAsync(server, "staging");
        await history.AddFailureAsync();
        await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_AUTHOR", server.WorkspaceId, 90);
        await server.AddUserAsync("ann@example.org");
        return history;
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    private async Task AddDeploysAsync()
    {
        List<SimulatedAgent> agents = [];
        (string, string)[] components = [("dag-processor", "airflow-1"), ("scheduler", "airflow-1"), ("worker", "airflow-2")];
        foreach (var (component, host) in components)
            agents.Add(await EnrollAsync(Site, component, host));
        foreach (var (number, (daysAgo, description, sha, lines)) in Past.Index())
        {
            _clock.Offset = TimeSpan.FromDays(-daysAgo);
            var git = new JsonObject
            {
                ["provider"] = "GITHUB",
                ["account"] = "shop",
                ["repo"] = "pipelines",
                ["commitSha"] = sha,
                ["commitUrl"] = $"https://git.example/shop/pipelines/commit/{sha}",
                ["branch"] = "main",
                ["authorName"] = "Ann Example",
            };
            Deploys.Add(await Site.DeployAsync(description, git, ("dags/orders.py", string.Join('\n', lines) + "\n"),
                ("dags/reports/regions.py", "regions = 'all'\n"), ("dags/logo.bin", "\0")));
            await ActivateAsync(agents, number + 1, Deploys[^1].Version);
        }
        _clock.Offset = TimeSpan.FromMinutes(-9);
        Rollback = (await Server.Client.PostOkAsync($"{Path(Site)}/deploys/{Deploys[^2].Id}/rollback",
            new JsonObject { ["description"] = "Restore the correct totals" })).Text("id");
        await ActivateAsync(agents, Past.Length + 1, Deploys[^2].Version);
        _clock.Offset = TimeSpan.FromMinutes(-2);
        await Server.Client.PostOkAsync($"{Path(Site)}/deploys",
            new JsonObject { ["type"] = "IMAGE_AND_DAG", ["description"] = "Airflow 3.1" });
        Bundle = (await Server.Client.GetOkAsync($"{Path(Site)}/bundles"))["bundles"]![0]!.AsObject().Text("id");
        _clock.Offset = TimeSpan.Zero;
        foreach (var agent in agents)
            await agent.ReportAsync(AgentPhase.Active, Past.Length + 1, Past.Length + 1, version: Deploys[^2].Version);
    }

    private async Task AddFailureAsync()
    {
        var agent = await EnrollAsync(Failing, "standalone", "airflow-staging");
        await Failing.DeployAsync("Try the new reports", ("dags/reports.py", "def broken(:\n"));
        await agent.ReportAsync(AgentPhase.Failed, 1, 0,
            "The check ended with exit code 1. Its last output: dags/reports.py, line 1: SyntaxError: invalid syntax");
    }

    private async Task ActivateAsync(List<SimulatedAgent> agents, long revision, string version)
    {
        foreach (var (phase, active) in ((AgentPhase, long)[])[(AgentPhase.Prepared, revision - 1), (AgentPhase.Active, revision)])
        {
            foreach (var agent in agents)
            {
                _clock.Offset += TimeSpan.FromMilliseconds(90 + (20 * (revision % 3)));
                await agent.ReportAsync(phase, revision, active, version: phase == AgentPhase.Active ? version : null);
            }
        }
    }

    private async Task<SimulatedAgent> EnrollAsync(PageSite site, string component, string host)
    {
        var client = Server.ClientWith(await Server.CreateAgentTokenAsync(site.Id));
        using var response = await client.PostAsJsonAsync(AgentRoutes.Enroll,
            new EnrollRequest { InstanceId = EntityId.New(TimeProvider.System), Host = host, Component = component, AgentVersion = "0.1.0" },
            AgentJson.Default.EnrollRequest, Cancelled);
        var enrolled = await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(AgentJson.Default.EnrollResponse, Cancelled);
        return new SimulatedAgent(client, enrolled!.AgentId);
    }

    private string Path(PageSite site) => $"{Server.OrganizationPath}/deployments/{site.Id}";
}

/// <summary>Sends the reports of an agent.</summary>
internal sealed class SimulatedAgent(HttpClient client, string agent)
{
    /// <param name="phase">Phase of the revision.</param>
    /// <param name="revision">The revision that the agent works on.</param>
    /// <param name="active">The active revision; 0 for none.</param>
    /// <param name="message">Cause of a failure.</param>
    /// <param name="version">Active version of the DAGs; null for none.</param>
    /// <param name="steps">Completed steps.</param>
    public async Task ReportAsync(AgentPhase phase, long revision, long active, string? message = null, string? version = null,
        params StepReport[] steps)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var digest = Digest.Of(System.Text.Encoding.UTF8.GetBytes(version ?? "")).ToString();
        var report = new AgentReport
        {
            AgentId = agent,
            Epoch = 1,
            Revision = revision,
            Phase = phase,
            ActiveRevision = active,
            Mounts = version is null ? [] : [new MountReport("dags", version, digest)],
            Message = message,
            Steps = steps,
            Milliseconds = 80,
        };
        using var response = await client.PostAsJsonAsync(AgentRoutes.Report, report, AgentJson.Default.AgentReport, cancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync(cancellationToken));
    }
}
