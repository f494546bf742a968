using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>Which state documents an agent believes. Every refused one must leave the mounted tree alone.</summary>
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
    public async Task A_document_signed_by_another_key_is_refused()
    {
        using var pinned = _server.Key;
        _server.Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        await AssertRefusedAsync("key");
    }

    [Fact]
    public async Task A_document_with_a_wrong_signature_is_refused()
    {
        _server.AlterDocument = document => document[..^8] + (document[^8] == 'A' ? 'B' : 'A') + document[^7..];

        await AssertRefusedAsync("signature");
    }

    [Fact]
    public async Task A_document_for_another_Deployment_is_refused()
    {
        _server.AlterState = state => state with { DeploymentId = EntityId.New(TimeProvider.System) };

        await AssertRefusedAsync("is for Deployment");
    }

    [Fact]
    public async Task A_document_of_another_Organization_is_refused()
    {
        _server.AlterState = state => state with { OrganizationId = EntityId.New(TimeProvider.System) };

        await AssertRefusedAsync("is for Deployment");
    }

    [Fact]
    public async Task An_older_revision_is_refused()
    {
        _server.Revision = 4;

        await AssertRefusedAsync("is older");
    }

    [Fact]
    public async Task A_higher_epoch_allows_a_lower_revision()
    {
        (_server.Revision, _server.Epoch) = (4, 2);
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "restored")))));

        Assert.Equal("restored", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task A_higher_epoch_may_use_the_number_of_the_mounted_revision_again()
    {
        (_server.Revision, _server.Epoch) = (8, 2);
        _server.Deploy(("dags", Tree.Of(("a.py", "restored"))));
        await _server.WaitForReportAsync(report => report is { Phase: AgentPhase.Active, Revision: 9, Epoch: 2 });

        Assert.Equal("restored", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task A_lower_epoch_is_refused()
    {
        _server.Epoch = 0;

        await AssertRefusedAsync("is older");
    }

    [Theory]
    [InlineData(9 + 1_000_001)]
    [InlineData(long.MaxValue)]
    public async Task A_revision_that_is_too_far_ahead_is_refused(long revision)
    {
        _server.AlterState = state => state with { Revision = revision };

        await AssertRefusedAsync("ahead");
    }

    [Fact]
    public async Task An_expired_document_is_refused_and_the_message_names_the_clock()
    {
        _server.Lifetime = TimeSpan.FromMinutes(-6);

        await AssertRefusedAsync("clock");
    }

    [Fact]
    public async Task A_clock_that_is_a_little_wrong_does_no_harm()
    {
        _server.Lifetime = TimeSpan.FromMinutes(-4);
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("a.py", "the new one")))));

        Assert.Equal("the new one", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task One_revision_never_means_two_things()
    {
        await _agent.StopAsync();
        _server.Revision = 8;
        _agent.Start(_server.Address);

        await AssertRefusedAsync("other mounts");
    }

    [Fact]
    public async Task Another_key_at_the_next_enrolment_ends_the_agent()
    {
        await _agent.StopAsync();
        using var pinned = _server.Key;
        _server.Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _agent.Start(_server.Address);

        Assert.Equal(ExitCode.Configuration, await _agent.EndAsync());
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);
    }

    [Fact]
    public async Task A_token_of_another_Deployment_ends_the_agent()
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
    public async Task An_error_never_unmounts_anything(int status, string body)
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
    public async Task A_200_that_is_no_document_never_unmounts_anything(string body) =>
        await AssertSurvivesAsync("state_refused", context => context.Response.WriteAsync(body));

    [Fact]
    public async Task A_state_that_never_ends_is_not_read_to_its_end()
    {
        await AssertSurvivesAsync("state_refused", async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(new byte[64 * 1024]);
        });
    }

    /// <summary>The next deploy arrives in a document that is wrong; then the server is sane again.</summary>
    private async Task AssertRefusedAsync(string reason)
    {
        _server.Deploy(("dags", Tree.Of(("a.py", "the new one"))));
        var line = await _agent.WaitForLogAsync("state_refused");

        Assert.Contains(reason, line.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);
        Assert.DoesNotContain(_server.Reports, report => report.Revision != 9);
    }

    private async Task AssertSurvivesAsync(string message, Func<HttpContext, Task> answer)
    {
        _server.Intercept = async context =>
        {
            await answer(context);
            return true;
        };
        _server.Deploy(("dags", Tree.Of(("a.py", "the new one"))));
        // The poll that was waiting is answered well; the requests after it are not.
        await _agent.WaitForLogAsync(message, occurrences: 2);
        Assert.Equal("the old one", _agent.Texts("dags")["a.py"]);

        _server.Intercept = null;
        await _server.WaitForActiveAsync(10);
        Assert.Equal("the new one", _agent.Texts("dags")["a.py"]);
    }
}
