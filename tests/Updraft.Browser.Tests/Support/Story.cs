using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Updraft.Protocol;

namespace Updraft.Browser.Tests.Support;

/// <summary>
/// A server with a past of two weeks, so that pages look as they do when they are used: one Deployment with three agents and a rollback, one that
/// fails, one that is empty. The agents' side is told over their API.
/// </summary>
internal sealed class Story : IAsyncDisposable
{
    private static readonly (double DaysAgo, string Description, string Sha, string[] Lines)[] Past =
    [
        (13.1, "First deploy", "44b9b9229c51", ["schedule = 'daily'", "limit = 10"]),
        (12.4, "Invoices every hour", "bd5be8b84560", ["schedule = 'hourly'", "limit = 10"]),
        (10.2, "Retry the payment export", "7d73a4aec512", ["schedule = 'hourly'", "limit = 10", "retries = 3"]),
        (7.3, "Alert on late deliveries", "c2c6fb33a7f0", ["schedule = 'hourly'", "limit = 20", "retries = 3"]),
        (5.1, "Fix the currency of refunds", "89eeb5e99671", ["schedule = 'hourly'", "limit = 20", "retries = 5"]),
        (2.2, "Reports by region", "91b7c0de2214", ["schedule = 'hourly'", "limit = 100", "retries = 5"]),
        (0.02, "Load all orders, not the first hundred", "77aa11bb22f3", ["schedule = 'hourly'", "limit = 1000", "retries = 5"]),
    ];

    private readonly MovedClock _clock;

    private Story(UpdraftServer server, MovedClock clock, PageSite site) => (Server, _clock, Site) = (server, clock, site);

    public UpdraftServer Server { get; }

    /// <summary>The Deployment that is well.</summary>
    public PageSite Site { get; }

    /// <summary>The Deployment of which the agent says that it failed.</summary>
    public PageSite Failing { get; private set; } = null!;

    /// <summary>Its deploys, oldest first, with their versions.</summary>
    public List<(string Id, string Version)> Deploys { get; } = [];

    /// <summary>The rollback that came last.</summary>
    public string Rollback { get; private set; } = "";

    /// <summary>The bundle of its DAGs.</summary>
    public string Bundle { get; private set; } = "";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <param name="settings">More settings of the server.</param>
    /// <param name="begin">What is there before the first deploy.</param>
    public static async Task<Story> TellAsync(IReadOnlyDictionary<string, string>? settings = null, Func<UpdraftServer, Task>? begin = null)
    {
        var clock = new MovedClock { By = TimeSpan.FromDays(-14) };
        var server = await UpdraftServer.StartAsync(clock, settings: settings);
        if (begin is not null)
            await begin(server);
        var story = new Story(server, clock, await PageSite.CreateAsync(server, "production"));
        await story.TellPastAsync();
        await PageSite.CreateAsync(server, "experiments");
        story.Failing = await PageSite.CreateAsync(server, "staging");
        await story.TellFailureAsync();
        await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_AUTHOR", server.WorkspaceId, 90);
        await server.AddUserAsync("ann@example.org");
        return story;
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    private async Task TellPastAsync()
    {
        List<Teller> agents = [];
        foreach (var (component, host) in ((string, string)[])[("dag-processor", "airflow-1"), ("scheduler", "airflow-1"), ("worker", "airflow-2")])
            agents.Add(await EnrollAsync(Site, component, host));
        foreach (var (number, (daysAgo, description, sha, lines)) in Past.Index())
        {
            _clock.By = TimeSpan.FromDays(-daysAgo);
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
            Deploys.Add(await Site.DeployAsync(description, git, ("dags/orders.py", string.Join('\n', lines) + "\n"), ("dags/reports/regions.py", "regions = 'all'\n"), ("dags/logo.bin", "\0")));
            await ActivateAsync(agents, number + 1, Deploys[^1].Version);
        }
        _clock.By = TimeSpan.FromMinutes(-9);
        Rollback = (await Server.Client.PostOkAsync($"{Path(Site)}/deploys/{Deploys[^2].Id}/rollback", new JsonObject { ["description"] = "Back: the sum is wrong" })).Text("id");
        await ActivateAsync(agents, Past.Length + 1, Deploys[^2].Version);
        _clock.By = TimeSpan.FromMinutes(-2);
        await Server.Client.PostOkAsync($"{Path(Site)}/deploys", new JsonObject { ["type"] = "IMAGE_AND_DAG", ["description"] = "Airflow 3.1" });
        Bundle = (await Server.Client.GetOkAsync($"{Path(Site)}/bundles"))["bundles"]![0]!.AsObject().Text("id");
        _clock.By = TimeSpan.Zero;
        foreach (var agent in agents)
            await agent.SayAsync(AgentPhase.Active, Past.Length + 1, Past.Length + 1, version: Deploys[^2].Version);
    }

    private async Task TellFailureAsync()
    {
        var agent = await EnrollAsync(Failing, "standalone", "airflow-staging");
        await Failing.DeployAsync("Try the new reports", ("dags/reports.py", "def broken(:\n"));
        await agent.SayAsync(AgentPhase.Failed, 1, 0, "The check ended with exit code 1. Its last output: dags/reports.py, line 1: SyntaxError: invalid syntax");
    }

    private async Task ActivateAsync(List<Teller> agents, long revision, string version)
    {
        foreach (var (phase, active) in ((AgentPhase, long)[])[(AgentPhase.Prepared, revision - 1), (AgentPhase.Active, revision)])
        {
            foreach (var agent in agents)
            {
                _clock.By += TimeSpan.FromMilliseconds(90 + (20 * (revision % 3)));
                await agent.SayAsync(phase, revision, active, version: phase == AgentPhase.Active ? version : null);
            }
        }
    }

    private async Task<Teller> EnrollAsync(PageSite site, string component, string host)
    {
        var client = Server.ClientWith(await Server.CreateAgentTokenAsync(site.Id));
        using var response = await client.PostAsJsonAsync(AgentRoutes.Enroll,
            new EnrollRequest { InstanceId = EntityId.New(TimeProvider.System), Host = host, Component = component, AgentVersion = "0.1.0" }, AgentJson.Default.EnrollRequest, Cancelled);
        return new Teller(client, (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(AgentJson.Default.EnrollResponse, Cancelled))!.AgentId);
    }

    private string Path(PageSite site) => $"{Server.OrganizationPath}/deployments/{site.Id}";
}

/// <summary>Says what an agent says.</summary>
internal sealed class Teller(HttpClient client, string agent)
{
    /// <param name="phase">How far it is.</param>
    /// <param name="revision">With this revision.</param>
    /// <param name="active">What it runs.</param>
    /// <param name="message">Why it failed.</param>
    /// <param name="version">The version of the DAGs that it runs; null for none.</param>
    /// <param name="steps">What it did.</param>
    public async Task SayAsync(AgentPhase phase, long revision, long active, string? message = null, string? version = null, params StepReport[] steps)
    {
        var report = new AgentReport
        {
            AgentId = agent,
            Epoch = 1,
            Revision = revision,
            Phase = phase,
            ActiveRevision = active,
            Mounts = version is null ? [] : [new MountReport("dags", version, Digest.Of(System.Text.Encoding.UTF8.GetBytes(version)).ToString())],
            Message = message,
            Steps = steps,
            Milliseconds = 80,
        };
        using var response = await client.PostAsJsonAsync(AgentRoutes.Report, report, AgentJson.Default.AgentReport, TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
