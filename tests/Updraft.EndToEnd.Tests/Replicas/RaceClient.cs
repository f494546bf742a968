using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests.Replicas;

/// <summary>A Deployment that clients change concurrently: the history of their requests, and the results that they share.</summary>
internal sealed class RacedDeployment(string path)
{
    public string Path => path;

    public History History { get; } = new();

    /// <summary>Uploaded files by their version.</summary>
    public ConcurrentDictionary<string, Tree> Trees { get; } = new(StringComparer.Ordinal);

    /// <summary>Acknowledged deploys; clients roll back to them.</summary>
    public ConcurrentQueue<string> Deploys { get; } = new();
}

/// <summary>A client that deploys, rolls back and reads, each time at a random replica, and records the responses.</summary>
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
                < 75 => ObserveAsync(deployment.Path, body => new Observation(0, 0)
                {
                    ShowsContent = true,
                    Content = body["desiredDagTarballVersion"]?.GetValue<string>(),
                }),
                < 90 => ObserveAsync(Deploys + "?limit=20", body => Seen([.. body["deploys"]!.AsArray().Select(deploy => deploy!)])),
                _ when Known() is { } known => ObserveAsync($"{Deploys}/{known}", body => Seen([body])),
                _ => DeployAsync(id, end),
            });
        }
    }

    /// <summary>Makes one deploy with a finalize at the given replica; returns its files.</summary>
    public async Task<Tree> DeployAtAsync(int server, CancellationToken cancellationToken)
    {
        var change = await UploadAsync($"{name}.at{server}", cancellationToken);
        var response = await SendFinalizeAsync(server, change!);
        Assert.True(response.IsDone, $"finalize: {Explain(response)}");
        return deployment.Trees[change!.Content!];
    }

    private async Task DeployAsync(string id, CancellationToken end)
    {
        if (await UploadAsync(id, end) is { } change)
            await FinalizeAsync(change with { Began = Stopwatch.GetTimestamp() }, end);
    }

    /// <summary>Creates a deploy and uploads to it; null if the race ended before.</summary>
    private async Task<Change?> UploadAsync(string id, CancellationToken end)
    {
        var body = new JsonObject { ["type"] = "DAG_ONLY", ["description"] = id };
        if (await RetryAsync(() => site.SendAsync(HttpMethod.Post, Deploys, body), end) is not { } made)
            return null;
        var (deploy, tree) = (made.Body!.Text("id"), Tree.Stamped(3, id));
        var archive = tree.ToTar("dags");
        if (await RetryAsync(() => site.UploadAsync(made.Body!.Text("dagsUploadUrl"), archive), end) is not { } uploaded)
            return null;
        deployment.Trees[uploaded.Version!] = tree;
        return new Change(id, 0, null) { Deploy = deploy, Content = uploaded.Version };
    }

    private Task<ReplicaResponse> SendFinalizeAsync(int server, Change change) => site.SendAsync(HttpMethod.Post, server,
        $"{Deploys}/{change.Deploy}/finalize", new JsonObject { ["dagTarballVersion"] = change.Content });

    /// <summary>Sends a finalize once, or until a response arrives, or to both replicas at once. Each way makes one change.</summary>
    private async Task FinalizeAsync(Change change, CancellationToken end)
    {
        Task<ReplicaResponse> Send(int server) => SendFinalizeAsync(server, change);
        var responses = random.Next(5) switch
        {
            0 => await Task.WhenAll(Send(0), Send(1)),
            1 => [await Send(random.Next(2))],
            _ => await RetryAsync(() => Send(random.Next(2)), end) is { } response ? [response] : [],
        };
        Assert.All(responses, response => Assert.True(response.IsDone || response.IsUnknown, $"finalize: {Explain(response)}"));
        if (responses.Any(response => response.IsDone))
        {
            change = change with { Responded = Stopwatch.GetTimestamp() };
            deployment.Deploys.Enqueue(change.Deploy!);
        }
        deployment.History.Changes.Enqueue(change);
    }

    private async Task RollBackAsync(string id, string target)
    {
        var change = new Change(id, Stopwatch.GetTimestamp(), null) { RollbackOf = target };
        var response = await site.SendAsync(HttpMethod.Post, $"{Deploys}/{target}/rollback", new JsonObject { ["description"] = id });
        Assert.True(response.IsDone || response.IsUnknown, $"rollback: {Explain(response)}");
        if (response.IsDone)
        {
            change = change with { Responded = Stopwatch.GetTimestamp(), Deploy = response.Body!.Text("id") };
            deployment.Deploys.Enqueue(change.Deploy);
        }
        deployment.History.Changes.Enqueue(change);
        // Without a pause, repeated failures during an outage would outnumber the other requests.
        if (response.IsUnknown)
            await PauseAsync();
    }

    private async Task ObserveAsync(string path, Func<JsonNode, Observation> read)
    {
        var began = Stopwatch.GetTimestamp();
        var response = await site.SendAsync(HttpMethod.Get, path);
        Assert.True(response.IsDone || response.IsUnknown, $"GET {path}: {Explain(response)}");
        if (response.IsDone)
            deployment.History.Observations.Enqueue(read(response.Body!) with { Began = began, Responded = Stopwatch.GetTimestamp() });
        else
            await PauseAsync();
    }

    private string Explain(ReplicaResponse response) => $"{response.Status} {response.Text}\n{site.Log}";

    private static Observation Seen(IReadOnlyList<JsonNode> deploys)
    {
        var status = deploys.ToLookup(deploy => deploy.Text("status"), deploy => deploy.Text("id"), StringComparer.Ordinal);
        Assert.All(status, found => Assert.Contains(found.Key, (string[])["DEPLOYED", "INITIALIZED"]));
        return new(0, 0) { Deployed = [.. status["DEPLOYED"]], Open = [.. status["INITIALIZED"]] };
    }

    /// <summary>Repeats an idempotent request until it succeeds; null if the race ended before.</summary>
    private async Task<ReplicaResponse?> RetryAsync(Func<Task<ReplicaResponse>> send, CancellationToken end)
    {
        while (true)
        {
            var response = await send();
            Assert.True(response.IsDone || response.IsUnknown, Explain(response));
            if (response.IsDone)
                return response;
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
