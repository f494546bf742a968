using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Time.Testing;

namespace Updraft.Server.Tests.Uploads;

public sealed partial class PutBlobTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private static readonly string[] BlockBlob = ["x-ms-blob-type: BlockBlob"];

    private readonly UpdraftServer _server = fixture.Server;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Response_has_the_headers_of_blob_clients()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.Tar("one"),
            adjust: request => request.Headers.Add("x-ms-version", "2026-02-06"));

        var version = await UploadSite.VersionOfAsync(response);

        Assert.Matches(VersionForm(), version);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.Matches("^\"[0-9a-f]{64}\"$", response.Headers.ETag!.Tag);
        Assert.Equal("2026-02-06", Assert.Single(response.Headers.GetValues("x-ms-version")));
        Assert.NotEmpty(Assert.Single(response.Headers.GetValues("x-ms-request-id")));
        foreach (var time in new[] { response.Headers.GetValues("Date"), response.Content.Headers.GetValues("Last-Modified") })
            Assert.True(DateTime.TryParseExact(Assert.Single(time), "r", CultureInfo.InvariantCulture, DateTimeStyles.None, out _));
    }

    [Fact]
    public async Task Version_header_is_in_lower_case_on_exactly_one_line()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archive = UploadSite.Tar("one");
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        await http.SendHeadAsync(site.Url, [.. BlockBlob, $"Content-Length: {archive.Length}", "Origin: http://elsewhere"]);
        await http.SendAsync(archive);

        var lines = (await http.ReadHeadAsync()).Split("\r\n");

        Assert.Equal("HTTP/1.1 201 Created", lines[0]);
        var naming = lines.Where(line => line.Contains("x-ms-version-id", StringComparison.OrdinalIgnoreCase));
        Assert.StartsWith("x-ms-version-id: 2", Assert.Single(naming));
    }

    [Fact]
    public async Task Each_upload_creates_a_version_and_finalize_selects_one()
    {
        var site = await UploadSite.CreateAsync(_server);
        var first = await site.UploadAsync(UploadSite.Tar("one"));
        var second = await site.UploadAsync(UploadSite.Tar("one"));
        var third = await site.UploadAsync(UploadSite.Tar("other"));

        var deploy = await site.FinalizeAsync(second);

        Assert.Equal(second, deploy.Text("dagTarballVersion"));
        Assert.Equal([first, second, third], new[] { first, second, third }.Order(StringComparer.Ordinal));
        Assert.Equal([first, second, third], await site.RecordedAsync());
    }

    [Fact]
    public async Task Upload_after_finalize_is_rejected_with_403()
    {
        var site = await UploadSite.CreateAsync(_server);
        var version = await site.UploadAsync(UploadSite.Tar("one"));
        await site.FinalizeAsync(version);

        foreach (var query in new[] { "", "&comp=block&blockid=AAAA", "&comp=blocklist" })
        {
            using var response = await site.PutAsync(UploadSite.Tar("two"), query);
            Assert.Contains("was finalized", await UploadSite.RefusalAsync(response, HttpStatusCode.Forbidden, "AuthorizationFailure"));
        }
        Assert.Equal([version], await site.RecordedAsync());
    }

    [Fact]
    public async Task Upload_is_rejected_if_finalize_happens_during_it()
    {
        var site = await UploadSite.CreateAsync(_server);
        var version = await site.UploadAsync(UploadSite.Tar("one"));
        var archive = UploadSite.Tar("two");
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        await http.SendHeadAsync(site.Url, [.. BlockBlob, $"Content-Length: {archive.Length}", "Expect: 100-continue"]);
        await http.ReadUntilAsync("100 Continue");

        await site.FinalizeAsync(version);
        await http.SendAsync(archive);

        Assert.Contains("\"statusCode\":403", await http.ReadUntilAsync("\"statusCode\""));
        Assert.Equal([version], await site.RecordedAsync());
    }

    [Fact]
    public async Task Upload_to_a_deleted_Deployment_is_rejected_with_404()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var deleted = await _server.Client.DeleteAsync($"{_server.OrganizationPath}/deployments/{site.DeploymentId}", Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);

        using var response = await site.PutAsync(UploadSite.Tar("one"));

        await UploadSite.RefusalAsync(response, HttpStatusCode.NotFound, "ResourceNotFound");
    }

    [Theory]
    [InlineData(null, "MissingRequiredHeader")]
    [InlineData("PageBlob", "InvalidHeaderValue")]
    [InlineData("AppendBlob", "InvalidHeaderValue")]
    public async Task Other_blob_types_are_rejected_with_400(string? type, string code)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.Tar("one"), adjust: request =>
        {
            request.Headers.Remove("x-ms-blob-type");
            if (type is not null)
                request.Headers.Add("x-ms-blob-type", type);
        });
        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, code);
    }

    [Theory]
    [InlineData("metadata")]
    [InlineData("snapshot")]
    [InlineData("")]
    [InlineData("Block")]
    public async Task Other_operations_are_rejected_with_400(string comp)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.Tar("one"), $"&comp={comp}");
        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "InvalidQueryParameterValue");
        Assert.Empty(await site.RecordedAsync());
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    [InlineData("PATCH")]
    public async Task Other_methods_are_rejected_with_405(string method)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var request = new HttpRequestMessage(new HttpMethod(method), site.Url);
        using var response = await _server.Anonymous.SendAsync(request, Cancellation);
        await UploadSite.RefusalAsync(response, HttpStatusCode.MethodNotAllowed, "UnsupportedHttpVerb");
        Assert.Equal(["HEAD", "PUT"], response.Content.Headers.Allow);
    }

    [Fact]
    public async Task Body_with_a_matching_MD5_is_accepted()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archive = UploadSite.Tar("one");
        using var response = await site.PutAsync(archive, adjust: request => request.Content!.Headers.ContentMD5 = UploadSite.Md5(archive));
        await UploadSite.VersionOfAsync(response);
    }

    [Fact]
    public async Task Body_with_a_wrong_MD5_leaves_nothing_behind()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.Tar("one"),
            adjust: request => request.Content!.Headers.ContentMD5 = UploadSite.Md5(UploadSite.Tar("two")));

        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "Md5Mismatch");

        Assert.Empty(await site.RecordedAsync());
        Assert.Empty(await UploadSite.BlobsAsync(_server, $"packs/{site.DeploymentId}"));
    }

    [Fact]
    public async Task Malformed_MD5_is_rejected_with_400()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.Tar("one"),
            adjust: request => request.Content!.Headers.TryAddWithoutValidation("Content-MD5", "bm90IGFuIG1kNQ=="));
        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "InvalidMd5");
    }

    [Theory]
    [InlineData("<html>nothing here</html>")]
    [InlineData("")]
    public async Task Body_that_is_not_an_archive_is_rejected_with_400(string body)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(Encoding.UTF8.GetBytes(body));
        await response.ReadAsync(HttpStatusCode.BadRequest);
        Assert.Empty(await site.RecordedAsync());
    }

    [Fact]
    public async Task Upload_can_exceed_the_body_limit_of_the_API()
    {
        var site = await UploadSite.CreateAsync(_server);
        await site.UploadAsync(UploadSite.LargeTar(33_000_000));
    }

    [Fact]
    public async Task Slow_upload_is_rejected_with_408()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var server = await UpdraftServer.StartAsync(clock, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Uploads:MaxIdleSeconds"] = "3600",
        });
        var site = await UploadSite.CreateAsync(server);
        using var http = await RawHttp.ConnectAsync(server.BaseAddress);
        await http.SendHeadAsync(site.Url, [.. BlockBlob, "Content-Length: 10240", "Expect: 100-continue"]);
        await http.ReadUntilAsync("100 Continue");

        clock.Advance(TimeSpan.FromMinutes(31));

        Assert.Contains("Uploads:MaxMinutes", await http.ReadUntilAsync("\"statusCode\":408"));
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$", RegexOptions.NonBacktracking)]
    private static partial Regex VersionForm();
}
