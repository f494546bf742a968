using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests.Replicas;

/// <summary>A Deployment that clients race for: what they did, and what they know together.</summary>
internal sealed class RacedDeployment(string path)
{
    public string Path => path;

    public History History { get; } = new();

    /// <summary>What was uploaded, by its version.</summary>
    public ConcurrentDictionary<string, Tree> Trees { get; } = new(StringComparer.Ordinal);

    /// <summary>Deploys that were acknowledged, so that one may go back to them.</summary>
    public ConcurrentQueue<string> Deploys { get; } = new();
}

/// <summary>One client: deploys, rolls back and looks, each at either server, and writes down what it was told.</summary>
internal sealed class RaceClient(ReplicaSite site, RacedDeployment deployment, string name, Random random)
{
    private int _steps;

    private string Deploys => deployment.Path + "/deploys";

    public async Task RunAsync(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            var id = $"{name}.{_steps++}";
            await (random.Next(100) switch
            {
                < 35 => DeployAsync(id, end),
                < 60 when Known() is { } target => RollBackAsync(id, target),
                < 75 => LookAsync(deployment.Path, body => new Look(0, 0) { ShowsContent = true, Content = body["desiredDagTarballVersion"]?.GetValue<string>() }),
                < 90 => LookAsync(Deploys + "?limit=20", body => Seen([.. body["deploys"]!.AsArray().Select(deploy => deploy!)])),
                _ when Known() is { } known => LookAsync($"{Deploys}/{known}", body => Seen([body])),
                _ => DeployAsync(id, end),
            });
        }
    }

    /// <summary>One deploy that is finalized at one server; what it deploys.</summary>
    public async Task<Tree> DeployAtAsync(int server, CancellationToken cancellationToken)
    {
        var change = await UploadAsync($"{name}.at{server}", cancellationToken);
        var answer = await SendFinalizeAsync(server, change!);
        Assert.True(answer.IsDone, $"finalize: {Explain(answer)}");
        return deployment.Trees[change!.Content!];
    }

    private async Task DeployAsync(string id, CancellationToken end)
    {
        if (await UploadAsync(id, end) is { } change)
            await FinalizeAsync(change with { Began = Stopwatch.GetTimestamp() }, end);
    }

    /// <summary>Creates a deploy and uploads to it; null when the race ended before.</summary>
    private async Task<Change?> UploadAsync(string id, CancellationToken end)
    {
        if (await InsistAsync(() => site.SendAsync(HttpMethod.Post, Deploys, new JsonObject { ["type"] = "DAG_ONLY", ["description"] = id }), end) is not { } made)
            return null;
        var (deploy, tree) = (made.Body!.Text("id"), Tree.Stamped(3, id));
        var archive = tree.ToTar("dags");
        if (await InsistAsync(() => site.UploadAsync(made.Body!.Text("dagsUploadUrl"), archive), end) is not { } uploaded)
            return null;
        deployment.Trees[uploaded.Version!] = tree;
        return new Change(id, 0, null) { Deploy = deploy, Content = uploaded.Version };
    }

    private Task<ServerAnswer> SendFinalizeAsync(int server, Change change) => site.SendAsync(HttpMethod.Post, server, $"{Deploys}/{change.Deploy}/finalize",
        new JsonObject { ["dagTarballVersion"] = change.Content });

    /// <summary>Sends a finalize: once, or until it is answered, or to both servers at once, which is one change all the same.</summary>
    private async Task FinalizeAsync(Change change, CancellationToken end)
    {
        Task<ServerAnswer> Send(int server) => SendFinalizeAsync(server, change);
        var answers = random.Next(5) switch
        {
            0 => await Task.WhenAll(Send(0), Send(1)),
            1 => [await Send(random.Next(2))],
            _ => await InsistAsync(() => Send(random.Next(2)), end) is { } answer ? [answer] : [],
        };
        Assert.All(answers, answer => Assert.True(answer.IsDone || answer.IsUnknown, $"finalize: {Explain(answer)}"));
        if (answers.Any(answer => answer.IsDone))
        {
            change = change with { Answered = Stopwatch.GetTimestamp() };
            deployment.Deploys.Enqueue(change.Deploy!);
        }
        deployment.History.Changes.Enqueue(change);
    }

    private async Task RollBackAsync(string id, string target)
    {
        var change = new Change(id, Stopwatch.GetTimestamp(), null) { RollbackOf = target };
        var answer = await site.SendAsync(HttpMethod.Post, $"{Deploys}/{target}/rollback", new JsonObject { ["description"] = id });
        Assert.True(answer.IsDone || answer.IsUnknown, $"rollback: {Explain(answer)}");
        if (answer.IsDone)
        {
            change = change with { Answered = Stopwatch.GetTimestamp(), Deploy = answer.Body!.Text("id") };
            deployment.Deploys.Enqueue(change.Deploy);
        }
        deployment.History.Changes.Enqueue(change);
        // The others are not to be drowned in repetitions of an outage.
        if (answer.IsUnknown)
            await PauseAsync();
    }

    private async Task LookAsync(string path, Func<JsonNode, Look> read)
    {
        var began = Stopwatch.GetTimestamp();
        var answer = await site.SendAsync(HttpMethod.Get, path);
        Assert.True(answer.IsDone || answer.IsUnknown, $"GET {path}: {Explain(answer)}");
        if (answer.IsDone)
            deployment.History.Looks.Enqueue(read(answer.Body!) with { Began = began, Answered = Stopwatch.GetTimestamp() });
        else
            await PauseAsync();
    }

    private string Explain(ServerAnswer answer) => $"{answer.Status} {answer.Text}\n{site.Log}";

    private static Look Seen(IReadOnlyList<JsonNode> deploys)
    {
        var status = deploys.ToLookup(deploy => deploy.Text("status"), deploy => deploy.Text("id"), StringComparer.Ordinal);
        Assert.All(status, found => Assert.Contains(found.Key, (string[])["DEPLOYED", "INITIALIZED"]));
        return new(0, 0) { Deployed = [.. status["DEPLOYED"]], Open = [.. status["INITIALIZED"]] };
    }

    /// <summary>Repeats what may be repeated until it is done; null when the race ended before.</summary>
    private async Task<ServerAnswer?> InsistAsync(Func<Task<ServerAnswer>> send, CancellationToken end)
    {
        while (true)
        {
            var answer = await send();
            Assert.True(answer.IsDone || answer.IsUnknown, Explain(answer));
            if (answer.IsDone)
                return answer;
            if (end.IsCancellationRequested)
                return null;
            await PauseAsync();
        }
    }

    private Task PauseAsync() => Task.Delay(random.Next(50, 200), TestContext.Current.CancellationToken);

    private string? Known()
    {
        var known = deployment.Deploys.ToArray();
        return known.Length == 0 ? null : known[random.Next(known.Length)];
    }
}
