using System.Net;
using Updraft.Client;
using Updraft.Protocol.Api;
using Updraft.Server.Tests.Conventions;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Contract;

/// <summary>The typed client against the real server.</summary>
public sealed class ClientTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deploy_is_created_uploaded_finalized_described_and_rolled_back()
    {
        using var client = Client();
        var (_, deploys) = await DeploysAsync(client);
        var created = await deploys.CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY", Description = "one" }, Cancelled);
        Assert.Equal("INITIALIZED", created.Status);
        using var archive = new MemoryStream(UploadSite.Tar("one"));

        var version = await deploys.UploadAsync(created.DagsUploadUrl!, archive, cancellationToken: Cancelled);
        var done = await deploys.FinalizeAsync(created.Id, new FinalizeDeployRequest { DagTarballVersion = version }, Cancelled);

        Assert.Equal(("DEPLOYED", version), (done.Status, done.DagTarballVersion));
        Assert.Equal("two", (await deploys.UpdateAsync(created.Id, new UpdateDeployRequest { Description = "two" }, Cancelled)).Description);
        var back = await deploys.RollBackAsync(created.Id, cancellationToken: Cancelled);
        Assert.Equal(created.Id, back.RollbackFromId);
        Assert.Equal([back.Id, created.Id], await deploys.ListAsync(Cancelled).Select(deploy => deploy.Id).ToListAsync(Cancelled));
        Assert.Equal("two", (await deploys.GetAsync(created.Id, Cancelled)).Description);
    }

    [Fact]
    public async Task A_list_goes_on_over_pages()
    {
        using var client = Client();
        var (_, deploys) = await DeploysAsync(client);
        for (var i = 0; i < 201; i++)
            await deploys.CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY" }, Cancelled);

        var ids = await deploys.ListAsync(Cancelled).Select(deploy => deploy.Id).ToListAsync(Cancelled);

        Assert.Equal(201, ids.Distinct().Count());
    }

    [Fact]
    public async Task Deployments_Workspaces_and_tokens_are_made_found_changed_and_deleted()
    {
        using var client = Client();
        var organization = Assert.Single(await client.ListOrganizationsAsync(Cancelled).ToListAsync(Cancelled));
        Assert.Equal(organization.Name, (await client.GetOrganizationAsync(organization.Id, Cancelled)).Name);
        var workspace = await client.CreateWorkspaceAsync(organization.Id, new CreateWorkspaceRequest { Name = "client" }, Cancelled);
        Assert.Contains(workspace.Id, await client.ListWorkspacesAsync(organization.Id, Cancelled).Select(row => row.Id).ToListAsync(Cancelled));
        Assert.Equal("client", (await client.GetWorkspaceAsync(organization.Id, workspace.Id, Cancelled)).Name);

        var deployment = await client.CreateDeploymentAsync(organization.Id,
            new CreateDeploymentRequest { Name = "by client", WorkspaceId = workspace.Id, IsDagDeployEnabled = true }, Cancelled);
        var updated = await client.UpdateDeploymentAsync(organization.Id, deployment.Id, new UpdateDeploymentRequest
        {
            Name = "renamed",
            WorkspaceId = workspace.Id,
            Type = "STANDARD",
            Executor = "CELERY",
            SchedulerSize = "SMALL",
            IsDagDeployEnabled = true,
            IsCicdEnforced = false,
            IsHighAvailability = false,
            EnvironmentVariables = [],
        }, Cancelled);
        Assert.Equal("renamed", updated.Name);

        var tokens = client.Tokens(organization.Id);
        var token = await tokens.CreateAsync(new CreateApiTokenRequest
        {
            Name = "ci",
            Scope = "DEPLOYMENT",
            Role = "DEPLOYMENT_ADMIN",
            EntityId = deployment.Id,
        }, Cancelled);
        Assert.NotNull(token.Token);
        Assert.Null((await tokens.GetAsync(token.Id, Cancelled)).Token);
        await tokens.DeleteAsync(token.Id, Cancelled);
        Assert.DoesNotContain(token.Id, await tokens.ListAsync(Cancelled).Select(row => row.Id).ToListAsync(Cancelled));
        var agent = await tokens.CreateForAgentAsync(deployment.Id, new CreateAgentTokenRequest { Name = "agent" }, Cancelled);
        Assert.Equal([agent.Id], await tokens.ListForAgentsAsync(deployment.Id, Cancelled).Select(row => row.Id).ToListAsync(Cancelled));
        await tokens.DeleteForAgentAsync(deployment.Id, agent.Id, Cancelled);

        await client.DeleteDeploymentAsync(organization.Id, deployment.Id, Cancelled);
        var gone = await Assert.ThrowsAsync<UpdraftException>(() => client.GetDeploymentAsync(organization.Id, deployment.Id, Cancelled));
        Assert.Equal(404, gone.StatusCode);
    }

    [Fact]
    public async Task A_refusal_carries_status_words_and_request_id()
    {
        using var client = Client();
        var (_, deploys) = await DeploysAsync(client);

        var refused = await Assert.ThrowsAsync<UpdraftException>(() => deploys.CreateAsync(new CreateDeployRequest { Type = "NOTHING" }, Cancelled));

        Assert.Equal(400, refused.StatusCode);
        Assert.Contains("NOTHING", refused.Message, StringComparison.Ordinal);
        Assert.False(string.IsNullOrEmpty(refused.RequestId));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_large_archive_goes_in_blocks_and_is_the_same(bool canSeek)
    {
        var seen = new Unreliable(failures: 0);
        using var client = Client(seen, new UploadSettings { SingleRequestBytes = 100_000, BlockBytes = 250_000 });
        var (deployment, deploys) = await DeploysAsync(client);
        var bytes = UploadSite.LargeTar(3_000_000);
        var deploy = await deploys.CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY" }, Cancelled);
        var heard = new Heard();
        using var archive = canSeek ? new MemoryStream(bytes) : new OneWay(bytes);

        var version = await deploys.UploadAsync(deploy.DagsUploadUrl!, archive, heard, Cancelled);
        await deploys.FinalizeAsync(deploy.Id, new FinalizeDeployRequest { DagTarballVersion = version }, Cancelled);

        Assert.Equal(version, (await client.GetDeploymentAsync(Server.OrganizationId, deployment, Cancelled)).DesiredDagTarballVersion);
        Assert.Equal((bytes.Length + 249_999) / 250_000 + 1, seen.Puts);
        Assert.Equal(bytes.Length, heard.Last);
    }

    [Theory]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    [InlineData(HttpStatusCode.TooManyRequests)]
    [InlineData(HttpStatusCode.RequestTimeout)]
    [InlineData(HttpStatusCode.InternalServerError)]
    public async Task An_upload_is_tried_again_when_the_failure_may_pass(HttpStatusCode status)
    {
        var seen = new Unreliable(failures: 2, status);
        using var client = Client(seen, Quick);
        var (_, deploys) = await DeploysAsync(client);
        var deploy = await deploys.CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY" }, Cancelled);
        using var archive = new MemoryStream(UploadSite.Tar("again"));

        var version = await deploys.UploadAsync(deploy.DagsUploadUrl!, archive, cancellationToken: Cancelled);

        Assert.Equal("DEPLOYED", (await deploys.FinalizeAsync(deploy.Id, new FinalizeDeployRequest { DagTarballVersion = version }, Cancelled)).Status);
        Assert.Equal(3, seen.Puts);
    }

    [Theory]
    [InlineData(HttpStatusCode.ServiceUnavailable, 4)]
    [InlineData(HttpStatusCode.Forbidden, 1)]
    [InlineData(HttpStatusCode.InsufficientStorage, 1)]
    public async Task An_upload_is_given_up_when_there_is_no_hope(HttpStatusCode status, int puts)
    {
        var seen = new Unreliable(failures: 99, status);
        using var client = Client(seen, Quick);
        var (_, deploys) = await DeploysAsync(client);
        var deploy = await deploys.CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY" }, Cancelled);
        using var archive = new MemoryStream(UploadSite.Tar("never"));

        var refused = await Assert.ThrowsAsync<UpdraftException>(() => deploys.UploadAsync(deploy.DagsUploadUrl!, archive, cancellationToken: Cancelled));

        Assert.Equal(((int)status, puts), (refused.StatusCode, seen.Puts));
    }

    [Fact]
    public async Task A_POST_is_sent_once_whatever_happens()
    {
        var seen = new Unreliable(failures: 99, HttpStatusCode.ServiceUnavailable, HttpMethod.Post);
        using var client = Client(seen, Quick);

        await Assert.ThrowsAsync<UpdraftException>(() => client.Deploys(Server.OrganizationId, "c")
            .CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY" }, Cancelled));

        Assert.Equal(1, seen.Failed);
    }

    [Fact]
    public async Task An_upload_carries_no_token_and_ends_when_it_is_cancelled()
    {
        var seen = new Unreliable(failures: 0);
        using var client = Client(seen);
        var (_, deploys) = await DeploysAsync(client);
        var deploy = await deploys.CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY" }, Cancelled);
        using var stop = new CancellationTokenSource();
        using var archive = new MemoryStream(UploadSite.LargeTar(3_000_000));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            deploys.UploadAsync(deploy.DagsUploadUrl!, archive, new Heard(stop.Cancel), stop.Token));

        Assert.False(seen.HasPutWithToken);
    }

    [Fact]
    public async Task The_example_of_the_document_is_the_one_that_is_compiled_and_it_deploys()
    {
        await using var server = await UpdraftServer.StartAsync();
        await server.CreateDeploymentAsync("orders");
        var archive = Path.Join(server.DataDirectory, "..", "dags.tar");
        await File.WriteAllBytesAsync(archive, UploadSite.Tar("example"), Cancelled);

        var deploy = await ClientExample.RunAsync(server.BaseAddress, server.OwnerToken, archive, Cancelled);

        Assert.NotEmpty(deploy);
        var source = SourceTree.Read("tests/Updraft.Server.Tests/Contract/ClientExample.cs").Split("// example\n")[1].Split("        // end of example")[0];
        var shown = SourceTree.Read("docs/reference/client-library.md").Split("```csharp\n")[1].Split("```")[0];
        Assert.Equal(string.Join('\n', source.Split('\n').Select(line => line.Length > 8 ? line[8..] : line.Trim())), shown);
    }

    private static UploadSettings Quick => new() { RetryDelay = TimeSpan.FromMilliseconds(1) };

    private UpdraftClient Client(HttpMessageHandler? handler = null, UploadSettings? settings = null) =>
        new(Server.BaseAddress, Server.OwnerToken, settings, handler);

    private async Task<(string Deployment, DeploysClient Deploys)> DeploysAsync(UpdraftClient client)
    {
        var deployment = await Server.CreateDeploymentAsync($"client {Guid.CreateVersion7()}");
        return (deployment, client.Deploys(Server.OrganizationId, deployment));
    }

    /// <summary>Counts uploads and lets the first ones fail.</summary>
    private sealed class Unreliable(int failures, HttpStatusCode status = HttpStatusCode.ServiceUnavailable, HttpMethod? method = null)
        : DelegatingHandler(new SocketsHttpHandler())
    {
        private int _puts, _failed;

        public int Puts => _puts;

        public int Failed => _failed;

        public bool HasPutWithToken { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method == HttpMethod.Put)
            {
                _puts++;
                HasPutWithToken |= request.Headers.Authorization is not null;
            }
            if (request.Method != (method ?? HttpMethod.Put) || _failed == failures)
                return await base.SendAsync(request, cancellationToken);
            _failed++;
            if (request.Content is { } content)
                await content.CopyToAsync(Stream.Null, cancellationToken);
            return new HttpResponseMessage(status);
        }
    }

    private sealed class Heard(Action? then = null) : IProgress<long>
    {
        public long Last { get; private set; }

        public void Report(long value)
        {
            Last = value;
            then?.Invoke();
        }
    }

    /// <summary>A stream whose length nobody knows.</summary>
    private sealed class OneWay(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();
    }
}
