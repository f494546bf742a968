using System.Net;
using System.Text.Json.Nodes;
using Updraft.Server.Tests.Support;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>Row S12: what is deleted opens nothing any more.</summary>
public sealed class DeletedDeploymentTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private readonly UpdraftServer _server = fixture.Server;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_a_Deployment_go_its_agents_upload_addresses_and_open_deploys()
    {
        var site = await AgentSite.CreateAsync(_server);
        var agent = await site.EnrolAsync();
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
}
