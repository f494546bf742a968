using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Updraft.Server.Tests.Api;

/// <summary>Every error is JSON with exactly three fields, regardless of its source.</summary>
public sealed class ErrorTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    public static TheoryData<int, string, string, string?> Requests => new()
    {
        { 400, "GET", "/v1/organizations?limit=-1", null },
        { 400, "POST", "/v1/organizations/{o}/workspaces", "{\"name\":" },
        { 404, "GET", "/v1/nothing/here", null },
        { 404, "GET", "/v1", null },
        { 404, "GET", "/v1/organizations/{o}/deployments/cdep00000000000000000none", null },
        { 405, "PUT", "/v1/organizations", null },
        { 405, "DELETE", "/platform/v1beta1/organizations/{o}/workspaces", null },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Error_body_has_message_request_ID_and_status(int status, string method, string path, string? body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method),
            path.Replace("{o}", Server.OrganizationId, StringComparison.Ordinal));
        request.Content = body is null ? null : JsonRequests.Json(body);
        await AssertErrorAsync(Server.Client, request, status);
    }

    [Fact]
    public async Task Error_without_a_token_has_the_shape_and_a_challenge()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/organizations");
        using var response = await AssertErrorAsync(Server.Anonymous, request, 401);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task Error_for_a_forbidden_request_has_the_shape()
    {
        var member = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId));
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Server.OrganizationPath}/workspaces");
        request.Content = JsonRequests.Json("{\"name\":\"mine\"}");
        await AssertErrorAsync(member, request, 403);
    }

    [Fact]
    public async Task Error_for_a_wrong_content_type_has_the_shape()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Server.OrganizationPath}/workspaces");
        request.Content = new StringContent("name=x", Encoding.UTF8, "application/x-www-form-urlencoded");
        await AssertErrorAsync(Server.Client, request, 415);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Error_for_a_body_over_one_mebibyte_has_the_shape(bool announcesItsLength)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Server.OrganizationPath}/workspaces");
        request.Content = new StringContent($"{{\"name\":\"{new string('x', 1024 * 1024)}\"}}", Encoding.UTF8, "application/json");
        request.Headers.TransferEncodingChunked = !announcesItsLength;
        await AssertErrorAsync(Server.Client, request, 413);
    }

    [Fact]
    public async Task Server_failure_returns_no_details()
    {
        await using var server = await UpdraftServer.StartAsync(addRoutes: app =>
            app.MapGet("/broken", string () => throw new InvalidOperationException("connection string: hunter2")).AllowAnonymous());
        using var request = new HttpRequestMessage(HttpMethod.Get, "/broken");
        using var response = await AssertErrorAsync(server.Anonymous, request, 500);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain("hunter2", text, StringComparison.Ordinal);
        Assert.Contains("hunter2", server.LogText, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Client_that_leaves_during_a_response_is_no_failure(bool isWrapped)
    {
        await using var server = await UpdraftServer.StartAsync(addRoutes: app => app.MapGet("/endless", async (HttpContext context) =>
        {
            await context.Response.WriteAsync("begun");
            await context.Response.Body.FlushAsync();
            try
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
            catch (OperationCanceledException exception) when (isWrapped)
            {
                throw new InvalidOperationException("The connection was interrupted.", exception);
            }
        }).AllowAnonymous());
        using (var response = await server.Anonymous.GetAsync("/endless", HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken))
        {
            await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
            Assert.Equal('b', body.ReadByte());
        }
        // The host waits for running requests.
        await server.StopAsync();
        Assert.DoesNotContain("Error ", server.LogText, StringComparison.Ordinal);
        Assert.DoesNotContain("already started", server.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blob_error_code_is_in_its_header()
    {
        await using var server = await UpdraftServer.StartAsync(addRoutes: app => app.MapGet("/blob",
            string () => throw new Server.Api.ApiException(Updraft.Server.Api.RequestErrors.OfStatus(409), "There is one.") { BlobErrorCode = "BlobAlreadyExists" }).AllowAnonymous());
        using var request = new HttpRequestMessage(HttpMethod.Get, "/blob");
        using var response = await AssertErrorAsync(server.Anonymous, request, 409);
        Assert.Equal("BlobAlreadyExists", Assert.Single(response.Headers.GetValues("x-ms-error-code")));
    }

    [Fact]
    public async Task Wrong_method_names_the_allowed_methods()
    {
        using var response = await Server.Client.PutAsync("/v1/organizations", content: null, TestContext.Current.CancellationToken);
        Assert.Equal(["GET", "HEAD"], response.Content.Headers.Allow);
        var error = await response.ReadAsync(HttpStatusCode.MethodNotAllowed);
        Assert.Contains("Use GET", error.Text("message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/organizations//deployments")]
    [InlineData("/v1/organizations//deployments/x/deploys")]
    [InlineData("/platform/v1beta1/organizations/x/deployments//deploys")]
    public async Task URL_with_an_empty_ID_is_404_with_the_cause(string path)
    {
        using var response = await Server.Client.GetAsync(path, TestContext.Current.CancellationToken);
        var error = await response.ReadAsync(HttpStatusCode.NotFound);
        Assert.Contains("contains an empty ID", error.Text("message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("build-4711-a", true)]
    [InlineData("with space", false)]
    [InlineData("a\"quote", false)]
    public async Task Valid_request_ID_is_kept_and_others_are_replaced(string expected, bool isTaken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/nothing");
        request.Headers.TryAddWithoutValidation("X-Request-Id", expected);
        using var response = await AssertErrorAsync(Server.Client, request, 404);
        Assert.Equal(isTaken, response.Headers.GetValues("x-request-id").Single() == expected);
    }

    [Fact]
    public async Task Request_ID_of_65_characters_is_replaced()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/healthz/live");
        request.Headers.TryAddWithoutValidation("X-Request-Id", new string('a', 65));
        using var response = await Server.Anonymous.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(25, response.Headers.GetValues("x-request-id").Single().Length);
    }

    [Fact]
    public async Task Responses_have_no_server_header()
    {
        using var response = await Server.Anonymous.GetAsync("/healthz/live", TestContext.Current.CancellationToken);
        Assert.Empty(response.Headers.Server);
    }

    private static async Task<HttpResponseMessage> AssertErrorAsync(HttpClient client, HttpRequestMessage request, int status)
    {
        var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var error = await response.ReadAsync((HttpStatusCode)status);
        Assert.Equal("message requestId statusCode", string.Join(' ', error.Select(field => field.Key).Order(StringComparer.Ordinal)));
        Assert.Equal(new MediaTypeHeaderValue("application/json", "utf-8"), response.Content.Headers.ContentType);
        Assert.NotEmpty(error.Text("message"));
        Assert.Equal(response.Headers.GetValues("x-request-id").Single(), error.Text("requestId"));
        Assert.Equal(status, Assert.IsType<JsonValue>(error["statusCode"], exactMatch: false).GetValue<int>());
        return response;
    }
}
