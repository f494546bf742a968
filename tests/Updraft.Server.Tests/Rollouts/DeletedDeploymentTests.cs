using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>Tokens and URLs of a deleted Deployment are invalid.</summary>
[Trait("catalog", "S12")]
public sealed class DeletedDeploymentTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private readonly UpdraftServer _server = fixture.Server;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Deleted_Deployment_ends_agents_upload_URLs_and_deploys()
    {
        var site = await AgentSite.CreateAsync(_server);
        var agent = await site.EnrollAsync();
        var upload = await UploadSite.CreateAsync(_server, site.DeploymentId);
        var version = await upload.UploadAsync(UploadSite.Tar("one"));
        await upload.FinalizeAsync(version);
        var open = await UploadSite.CreateAsync(_server, site.DeploymentId);
        var openVersion = await open.UploadAsync(UploadSite.Tar("two"));
        var path = $"{_server.OrganizationPath}/deployments/{site.DeploymentId}";
        using (var deleted = await _server.Client.DeleteAsync(path, Cancellation))
            Assert.True(deleted.IsSuccessStatusCode);

        using (var next = await site.Client.GetAsync(agent.StatePath(1, "PREPARE", wait: 0), Cancellation))
            Assert.True(next.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Unauthorized, $"{next.StatusCode}");
        using (var put = await open.PutAsync(UploadSite.Tar("three")))
            Assert.False(put.IsSuccessStatusCode);
        await _server.Client.PostErrorAsync($"{path}/deploys/{open.DeployId}/finalize",
            new JsonObject { ["dagTarballVersion"] = openVersion }.ToJsonString(), HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Waiting_agent_with_a_deleted_token_is_rejected_with_401()
    {
        var site = await AgentSite.CreateAsync(_server);
        var agent = await site.EnrollAsync();
        var revision = await site.CommitAsync("one");
        var wait = site.Client.GetAsync(agent.StatePath(revision, "PREPARE", wait: 30), Cancellation);
        var waiting = _server.Services.GetRequiredService<WaitingAgents>();
        await Poll.UntilAsync(() => Task.FromResult(waiting.Now.Contains(new AgentId(agent.Enrolment.AgentId))));

        var tokens = $"{_server.OrganizationPath}/deployments/{site.DeploymentId}/agent-tokens";
        var token = (await _server.Client.GetOkAsync(tokens))["tokens"]![0]!.AsObject().Text("id");
        using (var deleted = await _server.Client.DeleteAsync($"{tokens}/{token}", Cancellation))
            Assert.True(deleted.IsSuccessStatusCode);
        await site.CommitAsync("two");

        using var response = await wait.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }
}
