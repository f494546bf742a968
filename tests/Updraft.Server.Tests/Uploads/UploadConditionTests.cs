using System.Globalization;
using System.Net;

namespace Updraft.Server.Tests.Uploads;

/// <summary>Conditional headers of uploads follow the rules of Azure Blob Storage.</summary>
[Trait("Database", "any")]
public sealed class UploadConditionTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string Past = "Mon, 12 Jan 2015 18:32:20 GMT", Future = "Mon, 12 Jan 2099 18:32:20 GMT";

    private readonly UpdraftServer _server = fixture.Server;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("If-None-Match", "*", 409, "BlobAlreadyExists")]
    [InlineData("If-None-Match", "TAG", 412, "ConditionNotMet")]
    [InlineData("If-None-Match", "W/TAG, \"other\"", 412, "ConditionNotMet")]
    [InlineData("If-Match", "\"other\"", 412, "ConditionNotMet")]
    [InlineData("If-Modified-Since", Future, 412, "ConditionNotMet")]
    [InlineData("If-Unmodified-Since", Past, 412, "ConditionNotMet")]
    [InlineData("If-Modified-Since", "yesterday", 400, "InvalidHeaderValue")]
    [InlineData("If-Unmodified-Since", "1", 400, "InvalidHeaderValue")]
    [InlineData("x-ms-lease-id", "0c8e37a2-1c5b-4b8e-9d1a-6ef4f5e2c111", 412, "LeaseNotPresentWithBlobOperation")]
    public async Task Second_upload_with_an_unmet_condition_is_rejected(string header, string value, int status, string code)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var first = await site.PutAsync(UploadSite.Tar("one"));
        var version = await UploadSite.VersionOfAsync(first);
        var condition = value.Replace("TAG", first.Headers.ETag!.Tag, StringComparison.Ordinal);
        (await site.StageAsync("AAAA", UploadSite.Tar("two"))).Dispose();

        foreach (var query in new[] { "", "&comp=block&blockid=AAAB", "&comp=blocklist" })
        {
            using var refused = await site.PutAsync("<BlockList><Latest>AAAA</Latest></BlockList>"u8.ToArray(), query,
                request => request.Headers.TryAddWithoutValidation(header, condition));
            var message = await UploadSite.RefusalAsync(refused, (HttpStatusCode)status, code);
            Assert.Contains(header, message);
        }

        Assert.Equal([version], await site.RecordedAsync());
    }

    [Theory]
    [InlineData("If-Match", "TAG")]
    [InlineData("If-Match", "\"other\", TAG")]
    [InlineData("If-Match", "BARE")]
    [InlineData("If-Match", "*")]
    [InlineData("If-None-Match", "\"other\"")]
    [InlineData("If-Modified-Since", Past)]
    [InlineData("If-Unmodified-Since", Future)]
    [InlineData("If-Unmodified-Since", "DATE")]
    public async Task Second_upload_with_a_met_condition_creates_a_version(string header, string value)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var first = await site.PutAsync(UploadSite.Tar("one"));
        var tag = first.Headers.ETag!.Tag;
        var condition = value.Replace("TAG", tag, StringComparison.Ordinal).Replace("BARE", tag.Trim('"'), StringComparison.Ordinal)
            .Replace("DATE", first.Content.Headers.LastModified!.Value.ToString("r", CultureInfo.InvariantCulture), StringComparison.Ordinal);

        using var second = await site.PutAsync(UploadSite.Tar("two"),
            adjust: request => request.Headers.TryAddWithoutValidation(header, condition));

        Assert.Equal([await UploadSite.VersionOfAsync(first), await UploadSite.VersionOfAsync(second)], await site.RecordedAsync());
    }

    [Theory]
    [InlineData("If-None-Match", "*", null)]
    [InlineData("If-None-Match", "\"other\"", null)]
    [InlineData("If-Unmodified-Since", Past, null)]
    [InlineData("If-Modified-Since", Future, null)]
    [InlineData("If-Match", "*", "ConditionNotMet")]
    [InlineData("If-Match", "\"other\"", "ConditionNotMet")]
    public async Task First_upload_needs_no_earlier_one_unless_If_Match(string header, string value, string? code)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.Tar("one"),
            adjust: request => request.Headers.TryAddWithoutValidation(header, value));
        if (code is null)
            await UploadSite.VersionOfAsync(response);
        else
            await UploadSite.RefusalAsync(response, HttpStatusCode.PreconditionFailed, code);
        Assert.Equal(code is null ? 1 : 0, (await site.RecordedAsync()).Count);
    }

    [Fact]
    public async Task Concurrent_first_uploads_create_one_version()
    {
        var site = await UploadSite.CreateAsync(_server);
        var responses = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => site.PutAsync(UploadSite.Tar($"dag {i}"),
            adjust: request => request.Headers.TryAddWithoutValidation("If-None-Match", "*"))));

        var version = await UploadSite.VersionOfAsync(Assert.Single(responses, response => response.StatusCode == HttpStatusCode.Created));
        foreach (var refused in responses.Where(response => response.StatusCode != HttpStatusCode.Created))
            await UploadSite.RefusalAsync(refused, HttpStatusCode.Conflict, "BlobAlreadyExists");

        Assert.Equal([version], await site.RecordedAsync());
    }

    [Fact]
    public async Task Message_of_an_existing_upload_names_its_version()
    {
        var site = await UploadSite.CreateAsync(_server);
        var version = await site.UploadAsync(UploadSite.Tar("one"));
        using var refused = await site.PutAsync(UploadSite.Tar("one"),
            adjust: request => request.Headers.TryAddWithoutValidation("If-None-Match", "*"));
        Assert.Contains(version, await UploadSite.RefusalAsync(refused, HttpStatusCode.Conflict, "BlobAlreadyExists"));
        await site.FinalizeAsync(version);
    }

    [Theory]
    [InlineData("x-ms-copy-source", "https://elsewhere.example/blob")]
    [InlineData("x-ms-structured-body", "XSM/1.0; properties=crc64")]
    [InlineData("x-ms-if-tags", "\"a\" = 'b'")]
    [InlineData("x-ms-encryption-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("x-ms-encryption-scope", "ours")]
    [InlineData("x-ms-immutability-policy-until-date", Future)]
    [InlineData("x-ms-legal-hold", "true")]
    public async Task Header_that_changes_the_result_is_rejected_with_400(string header, string value)
    {
        var site = await UploadSite.CreateAsync(_server);
        foreach (var (body, query) in new[] { (UploadSite.Tar("one"), ""), ([], ""), ([], "&comp=block&blockid=AAAA") })
        {
            using var response = await site.PutAsync(body, query,
                request => request.Headers.TryAddWithoutValidation(header, value));
            Assert.Contains($"'{header}'", await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "UnsupportedHeader"));
        }
        Assert.Empty(await site.RecordedAsync());
        Assert.Empty(await UploadSite.BlobsAsync(_server, site.DeployId));
    }

    [Theory]
    [InlineData("x-ms-meta-team", "shop")]
    [InlineData("x-ms-tags", "a=b")]
    [InlineData("x-ms-access-tier", "Cool")]
    [InlineData("x-ms-blob-content-type", "application/x-tar")]
    [InlineData("x-ms-blob-content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("x-ms-blob-cache-control", "no-cache")]
    public async Task Header_that_describes_the_blob_is_ignored(string header, string value)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.Tar("one"),
            adjust: request => request.Headers.TryAddWithoutValidation(header, value));
        await UploadSite.VersionOfAsync(response);
    }

    [Fact]
    public async Task Api_version_in_the_query_is_accepted()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.Tar("one"), "&api-version=2021-12-02");
        await UploadSite.VersionOfAsync(response);
    }

    [Theory]
    [InlineData("GET", "", 405, "UnsupportedHttpVerb")]
    [InlineData("DELETE", "", 405, "UnsupportedHttpVerb")]
    [InlineData("PUT", "/more", 404, "ResourceNotFound")]
    [InlineData("PUT", "x", 404, "ResourceNotFound")]
    [InlineData("PUT", "?sig=00", 403, "AuthenticationFailed")]
    public async Task Blob_client_gets_each_error_as_XML(string method, string added, int status, string code)
    {
        var site = await UploadSite.CreateAsync(_server);
        var url = new Uri(site.Url);
        using var request = new HttpRequestMessage(new HttpMethod(method),
            added.StartsWith('?') ? url.GetLeftPart(UriPartial.Path) + added : url.GetLeftPart(UriPartial.Path) + added + url.Query);
        request.Headers.Add("Accept", "application/xml");
        request.Headers.Add("x-ms-version", "2024-11-04");

        using var response = await _server.Anonymous.SendAsync(request, Cancellation);

        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        Assert.Equal(code, Assert.Single(response.Headers.GetValues("x-ms-error-code")));
        Assert.NotEmpty(Assert.Single(response.Headers.GetValues("x-ms-request-id")));
        var error = System.Xml.Linq.XDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation)).Root!;
        Assert.Equal(code, error.Element("Code")!.Value);
        Assert.NotEmpty(error.Element("Message")!.Value);
    }
}
