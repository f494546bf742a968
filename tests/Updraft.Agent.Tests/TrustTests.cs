using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>State documents that an agent accepts or rejects. A rejected document must not change the mounted tree.</summary>
public sealed class TrustTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _server.Revision = 8;
        _server.Deploy(("dags", Tree.Of(("a.py", "the old one"))));
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(9);
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Document_signed_by_another_key_is_rejected()
    {
        using var pinned = _server.Key;
        _server.Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        await AssertRejectedAsync("key");
    }

    [Fact]
    public async Task Document_with_wrong_signature_is_rejected()
    {
        _server.AlterDocument = document => document[..^8] + (document[^8] == 'A' ? 'B' : 'A') + document[^7..];

        await AssertRejectedAsync("signature");
    }

    [Fact]
    public async Task Document_of_another_Deployment_is_rejected()
    {
        _server.AlterState = state => state with { DeploymentId = EntityId.New(TimeProvider.System) };

        await AssertRejectedAsync("is for Deployment");
    }

    [Fact]
    public async Task Document_of_another_Organization_is_rejected()
    {
        _server.AlterState = state => state with { OrganizationId = EntityId.New(TimeProvider.System) };

        await AssertRejectedAsync("is for Deployment");
    }

    [Fact]
    public async Task Older_revision_is_rejected()
    {
        _server.Revision = 4;

        await AssertRejectedAsync("is older");
    }

    [Fact]
    public async Task Higher_epoch_allows_lower_revision()
    {
        (_server.Revision, _server.Epoch) = (4, 2);
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "restored")))));

        Assert.Equal("restored", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Higher_epoch_allows_number_of_mounted_revision()
    {
        (_server.Revision, _server.Epoch) = (8, 2);
        _server.Deploy(("dags", Tree.Of(("a.py", "restored"))));
        await _server.WaitForReportAsync(report => report is { Phase: AgentPhase.Active, Revision: 9, Epoch: 2 });

        Assert.Equal("restored", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Lower_epoch_is_rejected()
    {
        _server.Epoch = 0;

        await AssertRejectedAsync("is older");
    }

    [Theory]
    [InlineData(9 + 1_000_001)]
    [InlineData(long.MaxValue)]
    public async Task Revision_too_far_ahead_is_rejected(long revision)
    {
        _server.AlterState = state => state with { Revision = revision };

        await AssertRejectedAsync("ahead");
    }

    [Fact]
    public async Task Expired_document_is_rejected_with_clock_in_message()
    {
        _server.Lifetime = TimeSpan.FromMinutes(-6);

        await AssertRejectedAsync("clock");
    }

    [Fact]
    public async Task Small_clock_error_is_tolerated()
    {
        _server.Lifetime = TimeSpan.FromMinutes(-4);
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "the new one")))));

        Assert.Equal("the new one", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Revision_with_other_mounts_is_rejected()
    {
        await _agent.StopAsync();
        _server.Revision = 8;
        _agent.Start(_server.Address);

        await AssertRejectedAsync("other mounts");
    }

    [Fact]
    public async Task Changed_server_key_ends_agent()
    {
        await _agent.StopAsync();
        using var pinned = _server.Key;
        _server.Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _agent.Start(_server.Address);

        Assert.Equal(ExitCode.Configuration, await _agent.EndAsync());
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task Token_of_another_Deployment_ends_agent()
    {
        await _agent.StopAsync();
        _server.DeploymentId = EntityId.New(TimeProvider.System);
        _agent.Start(_server.Address);

        Assert.Equal(ExitCode.Configuration, await _agent.EndAsync());
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);
    }

    [Theory]
    [InlineData(401, "")]
    [InlineData(403, "{\"message\":\"no\"}")]
    [InlineData(404, "<html>")]
    [InlineData(410, "gone")]
    [InlineData(500, "{")]
    [InlineData(302, "")]
    public async Task Error_response_unmounts_no_bundle(int status, string body)
    {
        await AssertSurvivesAsync("server_unavailable", async context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = "application/json";
            context.Response.Headers.Location = _server.Address.AbsoluteUri;
            await context.Response.WriteAsync(body);
        });
    }

    [Theory]
    [InlineData("<html>sign in</html>")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"state\":\"a.b.c\"}")]
    [InlineData("{\"state\":\"x\",\"state\":\"y\"}")]
    public async Task Response_200_without_document_unmounts_no_bundle(string body) =>
        await AssertSurvivesAsync("state_rejected", context => context.Response.WriteAsync(body));

    [Fact]
    public async Task Endless_state_response_is_not_read_completely()
    {
        await AssertSurvivesAsync("state_rejected", async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(new byte[64 * 1024]);
        });
    }

    /// <summary>Deploys with an invalid document, and asserts that the agent logs the reason and keeps the old tree.</summary>
    private async Task AssertRejectedAsync(string reason)
    {
        _server.Deploy(("dags", Tree.Of(("a.py", "the new one"))));
        var line = await _agent.WaitForLogAsync("state_rejected");

        Assert.Contains(reason, line.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);
        Assert.DoesNotContain(_server.Reports, report => report.Revision != 9);
    }

    private async Task AssertSurvivesAsync(string message, Func<HttpContext, Task> respond)
    {
        _server.Intercept = async context =>
        {
            await respond(context);
            return true;
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "the new one"))));
        // The waiting long poll gets a valid response. Later requests do not.
        await _agent.WaitForLogAsync(message, occurrences: 2);
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);

        _server.Intercept = null;
        await _server.WaitForActiveAsync(10);
        Assert.Equal("the new one", _agent.Texts("dags")["a.py"]);
    }
}
