using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>A hostile server or proxy. Mounted files stay, and the agent recovers when the responses are valid again.</summary>
[Trait("catalog", "G5"), Trait("catalog", "G8"), Trait("catalog", "G9"), Trait("catalog", "G13")]
public sealed class HostileServerTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new() { Clock = new FastClock(100) };
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Deploy(("dags", Tree.Of(("a.py", "the old one"))));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(1);
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Slow_state_response_is_aborted()
    {
        await AssertSurvivesAsync(async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.WriteAsync(" ");
                await context.Response.Body.FlushAsync();
                await Task.Yield();
            }
        }, "did not respond");
    }

    [Fact]
    public async Task State_request_without_response_times_out() =>
        await AssertSurvivesAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted), "did not respond");

    [Fact, Trait("catalog", "G14")]
    public async Task Slow_pack_download_is_aborted()
    {
        _server.Intercept = async context =>
        {
            if (!context.Request.Path.Value!.StartsWith(AgentRoutes.Packs, StringComparison.Ordinal))
                return false;
            var range = context.Request.GetTypedHeaders().Range!.Ranges.Single();
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {range.From}-{range.To}/{range.To + 1}";
            var pack = _server.Packs[context.Request.Path.Value![AgentRoutes.Packs.Length..]];
            for (var at = (int)range.From!; at <= range.To && !context.RequestAborted.IsCancellationRequested; at++)
            {
                await context.Response.Body.WriteAsync(pack.AsMemory(at, 1), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(20, context.RequestAborted);
            }
            return true;
        };
        _server.Deploy(("dags", Tree.Of(("a.py", System.Security.Cryptography.RandomNumberGenerator.GetHexString(100_000)))));

        var line = await _agent.WaitForLogAsync("revision_failed");

        Assert.Contains("too slow", line.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);
        _server.Intercept = null;
        await _server.WaitForActiveAsync(2);
    }

    [Fact]
    public async Task Redirect_of_state_request_is_not_followed()
    {
        await using var other = await StandInServer.StartAsync();
        await AssertSurvivesAsync(context =>
        {
            context.Response.Redirect(other.Address.AbsoluteUri);
            return Task.CompletedTask;
        }, "302");

        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task Signature_covers_every_field_of_the_document()
    {
        var state = (JsonObject)JsonNode.Parse(Payload(_server))!;
        var alterations = state.Select(field => (Action<JsonObject>)(document => document[field.Key] = Other(document[field.Key])))
            .Concat(state["mounts"]![0]!.AsObject().Select(field => (Action<JsonObject>)(document =>
                document["mounts"]![0]![field.Key] = Other(document["mounts"]![0]![field.Key])))).ToList();
        Assert.InRange(alterations.Count, 12, 30);
        var rejected = 0;
        foreach (var alter in alterations)
        {
            _server.AlterDocument = document => Altered(document, alter);
            _server.Deploy(("dags", Tree.Of(("a.py", $"altered {rejected}"))));
            await _agent.WaitForLogAsync("state_rejected", ++rejected);
        }

        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);
        _server.AlterDocument = document => document;
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "the new one")))));
    }

    [Fact]
    public async Task Last_of_100_quick_deploys_stays_and_reports_stay_in_order()
    {
        for (var number = 2; number <= 100; number++)
            _server.Deploy(("dags", Tree.Of(("a.py", $"number {number}"))));
        await _server.WaitForActiveAsync(100);

        Assert.Equal("number 100", _agent.Texts("dags")["a.py"]);
        var active = _server.Reports.Select(report => report.ActiveRevision).ToList();
        Assert.Equal(active.Order(), active);
    }

    [Fact]
    public async Task Every_agent_converges_when_server_returns()
    {
        var agents = Enumerable.Range(0, 10).Select(_ => new TestAgent { Clock = new FastClock(20) }).ToList();
        try
        {
            foreach (var agent in agents)
                agent.Start(_server.Address);
            foreach (var agent in agents)
                await agent.WaitForLogAsync("revision_activated");
            _server.Intercept = context => { context.Response.StatusCode = 503; return Task.FromResult(true); };
            _server.Deploy(("dags", Tree.Of(("a.py", "the new one"))));
            foreach (var agent in agents)
                await agent.WaitForLogAsync("server_unavailable", occurrences: 3);
            Assert.All(agents, agent => Assert.Equal("the old one", agent.Texts("dags")["a.py"]));
            _server.Intercept = null;
            foreach (var agent in agents)
                await agent.WaitForLogAsync("revision_activated", occurrences: 2);

            Assert.All(agents, agent => Assert.Equal("the new one", agent.Texts("dags")["a.py"]));
        }
        finally
        {
            foreach (var agent in agents)
                await agent.DisposeAsync();
        }
    }

    private async Task AssertSurvivesAsync(Func<HttpContext, Task> respond, string reason)
    {
        _server.Intercept = async context =>
        {
            await respond(context);
            return true;
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "the new one"))));
        // The waiting long poll gets a valid response. Later requests do not.
        await _agent.WaitForLogAsync("server_unavailable", reason: reason);
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);

        _server.Intercept = null;
        await _server.WaitForActiveAsync(2);
        Assert.Equal("the new one", _agent.Texts("dags")["a.py"]);
    }

    private static string Payload(StandInServer server) => JsonSerializerText(new DesiredState
    {
        OrganizationId = server.OrganizationId,
        DeploymentId = server.DeploymentId,
        Epoch = 1,
        Revision = 1,
        Phase = StatePhase.Prepare,
        Mounts = server.Mounts,
        IssuedAt = DateTimeOffset.UnixEpoch,
        ExpiresAt = DateTimeOffset.UnixEpoch,
    });

    private static string JsonSerializerText(DesiredState state) =>
        System.Text.Json.JsonSerializer.Serialize(state, AgentJson.Default.DesiredState);

    /// <summary>Changes one value of a document, and keeps its signature.</summary>
    private static string Altered(string document, Action<JsonObject> alter)
    {
        var parts = document.Split('.');
        var state = (JsonObject)JsonNode.Parse(Base64Url.DecodeFromChars(parts[1]))!;
        alter(state);
        parts[1] = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(state.ToJsonString()));
        return string.Join('.', parts);
    }

    private static JsonNode? Other(JsonNode? value) => value switch
    {
        JsonArray => new JsonArray(),
        JsonValue number when number.TryGetValue<long>(out var old) => old + 1,
        JsonValue text when text.TryGetValue<string>(out var old) =>
            (char)(old[0] == 'z' ? 'a' : old[0] + 1) + old[1..],
        _ => null,
    };
}
