using System.Net;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>The spans of client, server and agents for one deploy form one trace.</summary>
[Trait("Runs", "ci")] // Starts many processes, and waits for their spans.
public sealed class TraceTests
{
    [Fact]
    public async Task Deploy_trace_covers_client_requests_to_the_flip()
    {
        await using var collector = new OtlpCollector();
        await using var installation = await Installation.StartAsync($"--Telemetry:OtlpEndpoint={collector.Address}");
        var agent = await installation.StartAgentAsync(
            options: ["--otlp-endpoint", collector.Address, "--check", "test -d \"$UPDRAFT_STAGED\""]);
        var dags = Tree.WithDags(10);
        using var client = new TracedClient("deploy");
        var deploy = await installation.DeployAsync(dags);
        await agent.SeesAsync(dags);

        var trace = await WholeAsync(collector, client, deploy, "finalize", installation, agent);

        var requests = trace
            .Where(span => span is { Service: "updraft-server", Kind: CollectedSpan.Server } && client.RequestIds.Contains(span.ParentId))
            .ToList();
        Assert.Equal(3, requests.Count);
        Assert.All(requests, request => Assert.Equal(deploy, request.DeployId));
        var finalize = trace.Single(span => span.Name == "finalize");
        Assert.Contains(
            requests, request => request.SpanId == finalize.ParentId && request.Name.Contains("finalize", StringComparison.Ordinal));
        Assert.Contains(requests, request => request.SpanId == trace.Single(span => span.Name == "ingest").ParentId);
        Assert.Contains(trace, span => span.Name == "sign state" && span.ParentId == finalize.SpanId);
        var prepare = Single("prepare");
        Assert.Equal(finalize.SpanId, prepare.ParentId);
        Assert.Equal(prepare.SpanId, Single("build").ParentId);
        Assert.Equal(Single("build").SpanId, Single("fetch").ParentId);
        Assert.Equal(prepare.SpanId, Single("check").ParentId);
        Assert.Equal(finalize.SpanId, Single("activate").ParentId);
        Assert.InRange(prepare.End, prepare.Start, Single("activate").Start);
        Assert.Equal((deploy, deploy), (prepare.DeployId, Single("activate").DeployId));

        CollectedSpan Single(string name) => trace.Single(span => span is { Service: "updraft-agent" } && span.Name == name);
    }

    [Fact]
    public async Task Rollback_is_a_separate_trace_up_to_the_flip()
    {
        await using var collector = new OtlpCollector();
        await using var installation = await Installation.StartAsync($"--Telemetry:OtlpEndpoint={collector.Address}");
        var agent = await installation.StartAgentAsync(options: ["--otlp-endpoint", collector.Address]);
        var (first, second) = (Tree.Stamped(3, "first"), Tree.Stamped(3, "second"));
        var good = await installation.DeployAsync(first);
        await agent.SeesAsync(first);
        await installation.DeployAsync(second);
        await agent.SeesAsync(second);

        using var client = new TracedClient("undo");
        var back = await installation.RollBackAsync(good);
        await agent.SeesAsync(first);

        var trace = await WholeAsync(collector, client, back, "roll back", installation, agent);
        var rollBack = trace.Single(span => span.Name == "roll back");
        Assert.Equal(back, rollBack.DeployId);
        Assert.Equal(rollBack.SpanId, trace.Single(span => span.Name == "activate").ParentId);
    }

    [Fact]
    public async Task Agent_started_after_a_server_restart_is_in_the_trace()
    {
        await using var collector = new OtlpCollector();
        await using var installation = await Installation.StartAsync($"--Telemetry:OtlpEndpoint={collector.Address}");
        var dags = Tree.Stamped(3, "before");
        using var client = new TracedClient("deploy");
        var deploy = await installation.DeployAsync(dags);
        await Eventually.TrueAsync(
            () => collector.Spans.Any(span => span.TraceId == client.TraceId && span.Name == "finalize"), "the finalize is collected");
        client.Dispose();
        installation.KillServer();
        await installation.StartServerAsync();

        var agent = await installation.StartAgentAsync(options: ["--otlp-endpoint", collector.Address]);
        await agent.SeesAsync(dags);

        await WholeAsync(collector, client, deploy, "finalize", installation, agent);
    }

    [Fact]
    public async Task Unreachable_collector_delays_no_deploy()
    {
        const string nobody = "http://127.0.0.1:9";
        await using var installation = await Installation.StartAsync($"--Telemetry:OtlpEndpoint={nobody}");
        var agent = await installation.StartAgentAsync(options: ["--otlp-endpoint", nobody]);
        using var client = new TracedClient("deploy");
        var (first, second) = (Tree.Stamped(3, "first"), Tree.Stamped(3, "second"));
        await installation.DeployAsync(first);
        await agent.SeesAsync(first);
        await Eventually.TrueAsync(
            () => agent.Log.Contains("spans_lost", StringComparison.Ordinal), "the agent has logged the loss", () => agent.Log);
        await installation.DeployAsync(second);
        await agent.SeesAsync(second);
        agent.Kill();
        await installation.DeployAsync(first);

        var (exit, output) = await agent.ConvergeAsync();

        Assert.True(exit == 0, output);
        Assert.Null(first.Difference(agent.Dags));
    }

    /// <summary>
    /// Waits until all spans of a deploy have arrived. Asserts that each span has its parent, and that no span contains a secret.
    /// </summary>
    private static async Task<IReadOnlyList<CollectedSpan>> WholeAsync(
        OtlpCollector collector, TracedClient client, string deploy, string cause,
        Installation installation, AgentOnDisk agent)
    {
        List<CollectedSpan> trace = [];
        await Eventually.TrueAsync(() =>
        {
            trace = [.. collector.Spans.Where(span => span.TraceId == client.TraceId)];
            var known = trace.Select(span => span.SpanId).Concat(client.RequestIds).ToHashSet(StringComparer.Ordinal);
            return trace.Any(span => span.Name == cause) && trace.Any(span => span.Name == "activate" && span.DeployId == deploy)
                && trace.Any(span => IsReport(span, "Active")) && trace.All(span => known.Contains(span.ParentId))
                && trace.Where(span => IsReport(span, null)).All(report =>
                    trace.Any(request => request.Kind == CollectedSpan.Server && request.ParentId == report.SpanId));
        }, "every span and its parent have arrived", () => string.Join('\n', trace) + agent.Log);
        Assert.DoesNotContain(installation.OwnerToken, collector.Everything, StringComparison.Ordinal);
        Assert.DoesNotMatch("sig=(?!Redacted)", WebUtility.UrlDecode(collector.Everything));
        return trace;

        static bool IsReport(CollectedSpan span, string? phase) => span is { Name: "report", Kind: CollectedSpan.Client }
            && (phase is null || span.Attributes["updraft.phase"] == phase);
    }
}
