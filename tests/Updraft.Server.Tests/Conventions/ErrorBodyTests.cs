using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Api;
using Updraft.Server.Database;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Clients show the one field <c>message</c>, so that every error must have it, wherever it comes from.</summary>
public sealed class ErrorBodyTests
{
    [Fact]
    public async Task A_bad_field_is_400_in_the_one_shape()
    {
        await using var server = await UpdraftServer.StartAsync();
        await AssertShapeAsync(400, server.Client, HttpMethod.Post, await DeploysAsync(server), """{"type":7}""");
    }

    [Fact]
    public async Task A_body_that_is_not_JSON_is_400_in_the_one_shape()
    {
        await using var server = await UpdraftServer.StartAsync();
        await AssertShapeAsync(400, server.Client, HttpMethod.Post, await DeploysAsync(server), "{");
    }

    [Fact]
    public async Task A_missing_token_is_401_in_the_one_shape()
    {
        await using var server = await UpdraftServer.StartAsync();
        await AssertShapeAsync(401, server.Anonymous, HttpMethod.Get, await DeploysAsync(server));
    }

    [Fact]
    public async Task A_missing_permission_is_403_in_the_one_shape()
    {
        await using var server = await UpdraftServer.StartAsync();
        var path = await DeploysAsync(server);
        var member = server.ClientWith(await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", server.WorkspaceId));
        await AssertShapeAsync(403, member, HttpMethod.Post, path, """{"type":"DAG_ONLY"}""");
    }

    [Theory]
    [InlineData("/v1/nothing")]
    [InlineData("/platform/v1beta1/nothing")]
    [InlineData("/agent/v1/nothing")]
    [InlineData("/nothing")]
    public async Task An_unknown_address_is_404_in_the_one_shape(string path)
    {
        await using var server = await UpdraftServer.StartAsync();
        await AssertShapeAsync(404, server.Client, HttpMethod.Get, path);
    }

    [Fact]
    public async Task An_unknown_deploy_is_404_in_the_one_shape()
    {
        await using var server = await UpdraftServer.StartAsync();
        await AssertShapeAsync(404, server.Client, HttpMethod.Get, await DeploysAsync(server) + "/clvetru2w000201mowqwua63n");
    }

    [Fact]
    public async Task A_wrong_method_is_405_in_the_one_shape()
    {
        await using var server = await UpdraftServer.StartAsync();
        await AssertShapeAsync(405, server.Client, HttpMethod.Delete, await DeploysAsync(server));
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_413_in_the_one_shape()
    {
        await using var server = await UpdraftServer.StartAsync();
        await AssertShapeAsync(413, server.Client, HttpMethod.Post, await DeploysAsync(server),
            $$"""{"type":"DAG_ONLY","description":"{{new string('x', 1024 * 1024)}}"}""");
    }

    [Fact]
    public async Task A_wrong_content_type_is_415_in_the_one_shape()
    {
        await using var server = await UpdraftServer.StartAsync();
        await AssertShapeAsync(415, server.Client, HttpMethod.Post, await DeploysAsync(server), """{"type":"DAG_ONLY"}""", "text/plain");
    }

    [Fact]
    public async Task What_nobody_foresaw_is_500_in_the_one_shape_and_tells_nothing()
    {
        await using var server = await UpdraftServer.StartAsync();
        var path = await DeploysAsync(server);
        await using (var scope = server.Services.CreateAsyncScope())
        {
            await scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Database
                .ExecuteSqlRawAsync("DROP TABLE deploys", TestContext.Current.CancellationToken);
        }
        var message = await AssertShapeAsync(500, server.Client, HttpMethod.Get, path + "/clvetru2w000201mowqwua63n");
        Assert.DoesNotContain("deploys", message, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<string> DeploysAsync(UpdraftServer server) =>
        $"{server.OrganizationPath}/deployments/{await server.CreateDeploymentAsync()}/deploys";

    /// <summary>Asks, checks the whole answer, and returns its message.</summary>
    private static async Task<string> AssertShapeAsync(int status, HttpClient client, HttpMethod method, string path, string? body = null,
        string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = JsonRequests.Json(body);
            request.Content.Headers.ContentType = new(contentType);
        }
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True((int)response.StatusCode == status, $"{method} {path} answered {(int)response.StatusCode}: {text}");
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        var error = JsonNode.Parse(text)!.AsObject();
        Assert.Equal(["message", "requestId", "statusCode"], error.Select(field => field.Key).Order(StringComparer.Ordinal));
        Assert.Equal(JsonValueKind.Number, error["statusCode"]!.GetValueKind());
        Assert.Equal(status, error["statusCode"]!.GetValue<int>());
        Assert.Matches("^[a-z0-9_]+$", Assert.Single(response.Headers.GetValues(ErrorCode.Header)));
        Assert.NotEqual("", error.Text("requestId"));
        Assert.NotEqual("", error.Text("message"));
        return error.Text("message");
    }
}
