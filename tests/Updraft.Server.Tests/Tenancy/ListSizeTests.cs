using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Tokens;
using Updraft.Server.Users;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Tests.Tenancy;

/// <summary>Lists of different sizes: empty, one row, one page, the maximum page, and a page after the end.</summary>
[Trait("Runs", "ci")] // Writes thousands of rows through the API.
public sealed class ListSizeTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly int?[] Limits = [null, 0, 1, 1000];

    private UpdraftServer Server => shared.Server;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(1000)]
    public async Task Pages_of_Deployments_and_Workspaces_are_complete_and_counted(int count)
    {
        var (organization, workspace, token) = await Server.AddOrganizationAsync($"size {count}");
        var client = Server.ClientWith(token);
        await AddAsync(new OrganizationId(organization), new WorkspaceId(workspace), count);
        foreach (var prefix in (string[])["/v1", "/platform/v1beta1"])
        {
            await CheckAsync(client, $"{prefix}/organizations/{organization}/deployments", "deployments", count);
            // The Organization already has one Workspace.
            await CheckAsync(client, $"{prefix}/organizations/{organization}/workspaces", "workspaces", count + 1);
            await CheckAsync(client, $"{prefix}/organizations/{organization}/clusters", "clusters", 1);
            await CheckAsync(client, $"{prefix}/organizations", "organizations", 1);
        }
        await CheckAsync(client, $"/v1/organizations/{organization}/workspaces", "workspaces", 0, "&workspaceIds=unknown");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(1000)]
    public async Task Pages_of_tokens_and_users_are_complete_and_counted(int count)
    {
        var (organization, workspace, token) = await Server.AddOrganizationAsync($"people {count}");
        var client = Server.ClientWith(token);
        var deployment = (await client.PostOkAsync($"/v1/organizations/{organization}/deployments",
            new JsonObject { ["name"] = "one", ["workspaceId"] = workspace, ["isDagDeployEnabled"] = true })).Text("id");
        await AddUsersAsync(new OrganizationId(organization), new WorkspaceId(workspace), new DeploymentId(deployment), count);
        foreach (var prefix in (string[])["/v1", "/iam/v1beta1"])
        {
            // The owner token is in the list too.
            await CheckAsync(client, $"{prefix}/organizations/{organization}/tokens", "tokens", count + 1);
            await CheckAsync(client, $"{prefix}/organizations/{organization}/users", "users", count, sort: "username:asc");
        }
        await CheckAsync(client, $"/v1/organizations/{organization}/deployments/{deployment}/agent-tokens", "tokens", count);
    }

    private static async Task CheckAsync(HttpClient client, string path, string name, int total, string filter = "",
        string sort = "name:asc")
    {
        foreach (var limit in Limits)
        {
            foreach (var offset in new[] { 0, 1, total, total + 5 }.Distinct())
            {
                var page = await client.GetOkAsync($"{path}?offset={offset}{filter}" + (limit is null ? "" : $"&limit={limit}"));
                var applied = limit ?? 20;
                Assert.Equal((total, applied, offset), (Number(page, "totalCount"), Number(page, "limit"), Number(page, "offset")));
                Assert.Equal(Math.Min(applied, Math.Max(0, total - offset)), page[name]!.AsArray().Count);
            }
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var received = 0; received < total;)
        {
            var page = (await client.GetOkAsync($"{path}?offset={received}&limit=300&sorts={Uri.EscapeDataString(sort)}{filter}"))[name]!.AsArray();
            Assert.NotEmpty(page);
            Assert.All(page, row => Assert.True(seen.Add(row!["id"]!.GetValue<string>()), "A row is on two pages."));
            received += page.Count;
        }
        Assert.Equal(total, seen.Count);
    }

    private static int Number(JsonObject page, string field) => page[field]!.GetValue<int>();

    private async Task AddAsync(OrganizationId organization, WorkspaceId workspace, int count)
    {
        await using var scope = Server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var clock = TimeProvider.System;
        var (now, by) = (clock.GetUtcNow(), new SubjectProfile("test", SubjectKind.User, "test"));
        for (var i = 0; i < count; i++)
        {
            db.AddRange(
                new Workspace
                {
                    Id = new WorkspaceId(EntityId.New(clock)),
                    OrganizationId = organization,
                    Name = $"workspace {i}",
                    CreatedAt = now,
                    CreatedBy = by,
                    UpdatedAt = now,
                    UpdatedBy = by,
                },
                new Deployment
                {
                    Id = new DeploymentId(EntityId.New(clock)),
                    OrganizationId = organization,
                    WorkspaceId = workspace,
                    Name = $"deployment {i}",
                    Namespace = $"size-{count}-{i}",
                    CreatedAt = now,
                    CreatedBy = by,
                    UpdatedAt = now,
                    UpdatedBy = by,
                });
        }
        await db.SaveChangesAsync(TestContext.Current.CancellationToken);
    }

    private async Task AddUsersAsync(OrganizationId organization, WorkspaceId workspace, DeploymentId deployment, int count)
    {
        await using var scope = Server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var issue = scope.ServiceProvider.GetRequiredService<IssueToken>();
        var now = TimeProvider.System.GetUtcNow();
        for (var i = 0; i < count; i++)
        {
            var order = new TokenSpec
            {
                Kind = TokenKind.Api,
                Role = Role.OrganizationMember,
                Organization = organization,
                Name = $"token {i}",
            };
            var agent = order with { Kind = TokenKind.Agent, Role = Role.Agent, Workspace = workspace, Deployment = deployment };
            db.AddRange(issue.Run(order).Row, issue.Run(agent).Row, new User
            {
                Id = new UserId(EntityId.New(TimeProvider.System)),
                OrganizationId = organization,
                Issuer = "https://id.example.org",
                ExternalId = $"{organization} {i}",
                Username = $"person{i}@example.org",
                FullName = $"Person {i}",
                Grants = [Grant.For(Role.OrganizationMember, organization, null, null)],
                CreatedAt = now,
                UpdatedAt = now,
            });
        }
        await db.SaveChangesAsync(TestContext.Current.CancellationToken);
    }
}
