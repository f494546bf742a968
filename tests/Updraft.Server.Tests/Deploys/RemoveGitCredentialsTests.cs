using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Database;
using Updraft.Server.Deploys;

namespace Updraft.Server.Tests.Deploys;

/// <summary>Deploys that an earlier version stored with the credentials of a git remote.</summary>
public sealed class RemoveGitCredentialsTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stored_credentials_are_removed_once()
    {
        await using var server = await UpdraftServer.StartAsync();
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var id = (await deploys.CreateAsync(
            """{"type":"DAG_ONLY","git":{"provider":"GENERIC","commitSha":"abc","remoteUrl":"https://git.example/shop"}}""")).Text("id");
        await StoreAsync(server, "https://ci:s3cr3t@git.example/shop");
        Assert.Contains("s3cr3t", (await deploys.GetAsync(id)).GetRawText(), StringComparison.Ordinal);

        await RemoveAsync(server, isNew: true);

        Assert.Equal("https://git.example/shop", await RemoteAsync(deploys, id));

        // The work is done, so a later start does not read the deploys again.
        await StoreAsync(server, "https://x@git.example/shop");
        await RemoveAsync(server, isNew: false);
        Assert.Equal("https://x@git.example/shop", await RemoteAsync(deploys, id));
    }

    private static async Task<string?> RemoteAsync(DeploysApi deploys, string id) =>
        (await deploys.GetAsync(id)).GetProperty("git").GetProperty("remoteUrl").GetString();

    private static async Task StoreAsync(UpdraftServer server, string remote)
    {
        await using var scope = server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        await using var write = await db.BeginWriteAsync(Cancelled);
        var deploy = await db.Deploys.SingleAsync(Cancelled);
        deploy.Git = deploy.Git! with { RemoteUrl = remote };
        await db.SaveChangesAsync(Cancelled);
        await write.CommitAsync(Cancelled);
    }

    /// <summary>Runs the work of a start.</summary>
    /// <param name="server">The server.</param>
    /// <param name="isNew">Whether it is the first start of this version.</param>
    private static async Task RemoveAsync(UpdraftServer server, bool isNew)
    {
        await using var scope = server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        if (isNew)
        {
            await using var write = await db.BeginWriteAsync(Cancelled);
            Assert.Equal(1, await db.ServerFacts.Where(fact => fact.Name == "git_credentials_removed").ExecuteDeleteAsync(Cancelled));
            await write.CommitAsync(Cancelled);
        }
        await new RemoveGitCredentials(db).RunAsync(Cancelled);
    }
}
