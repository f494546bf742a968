using System.Globalization;
using System.Net;
using System.Text;

namespace Updraft.Server.Tests.Uploads;

/// <summary>HEAD on an upload URL describes the latest upload.</summary>
[Trait("Database", "any")]
public sealed class UploadPropertiesTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private readonly UpdraftServer _server = fixture.Server;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Azcopy_finds_the_length_of_its_upload(bool isStaged)
    {
        var site = await UploadSite.CreateAsync(_server);
        var archive = UploadSite.LargeTar(200_000);
        // azcopy with --overwrite=false looks for an earlier upload first.
        using var before = await HeadAsync(site);
        Assert.Equal(HttpStatusCode.NotFound, before.StatusCode);
        Assert.Equal("BlobNotFound", Assert.Single(before.Headers.GetValues("x-ms-error-code")));
        if (isStaged)
        {
            (await site.StageAsync("AAAA", archive[..100_000])).Dispose();
            (await site.StageAsync("AAAB", archive[100_000..])).Dispose();
        }
        using var put = isStaged
            ? await site.PutAsync(Encoding.UTF8.GetBytes("<BlockList><Latest>AAAA</Latest><Latest>AAAB</Latest></BlockList>"),
                "&comp=blocklist", FromBlobClient)
            : await site.PutAsync(archive, adjust: FromBlobClient);
        var version = await UploadSite.VersionOfAsync(put);

        using var after = await HeadAsync(site);

        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
        Assert.Equal(archive.Length, after.Content.Headers.ContentLength);
        Assert.Equal(version, Assert.Single(after.Headers.GetValues("x-ms-version-id")));
        Assert.Equal("BlockBlob", Assert.Single(after.Headers.GetValues("x-ms-blob-type")));
        Assert.Equal((put.Headers.ETag, put.Content.Headers.LastModified), (after.Headers.ETag, after.Content.Headers.LastModified));
        Assert.Empty(await after.Content.ReadAsByteArrayAsync(Cancellation));
    }

    [Fact]
    public async Task HEAD_describes_the_latest_of_several_uploads()
    {
        var site = await UploadSite.CreateAsync(_server);
        foreach (var content in new[] { "one", "two and more", "3" })
        {
            var archive = UploadSite.Tar(content + new string('x', content.Length * 512));
            using var put = await site.PutAsync(archive, adjust: FromBlobClient);
            using var head = await HeadAsync(site);
            Assert.Equal(await UploadSite.VersionOfAsync(put), Assert.Single(head.Headers.GetValues("x-ms-version-id")));
            Assert.Equal(archive.Length, head.Content.Headers.ContentLength);
        }
    }

    [Fact]
    public async Task HEAD_never_returns_the_length_of_another_upload()
    {
        var site = await UploadSite.CreateAsync(_server);
        (await site.PutAsync(UploadSite.Tar("one"), adjust: FromBlobClient)).Dispose();
        // A client that does not use the protocol of Azure Blob Storage leaves no length.
        var version = await site.UploadAsync(UploadSite.LargeTar(20_000));

        using var head = await HeadAsync(site);

        Assert.Equal(version, Assert.Single(head.Headers.GetValues("x-ms-version-id")));
        Assert.True(head.Content.Headers.ContentLength is null or 0, $"{head.Content.Headers.ContentLength}");
    }

    [Theory]
    [InlineData("If-None-Match", "TAG", 304)]
    [InlineData("If-Modified-Since", "DATE", 304)]
    [InlineData("If-Match", "\"other\"", 412)]
    [InlineData("If-Unmodified-Since", "Mon, 12 Jan 2015 18:32:20 GMT", 412)]
    [InlineData("If-Match", "TAG", 200)]
    public async Task HEAD_respects_conditions(string header, string value, int status)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var put = await site.PutAsync(UploadSite.Tar("one"));
        var condition = value.Replace("TAG", put.Headers.ETag!.Tag, StringComparison.Ordinal).Replace("DATE",
            put.Content.Headers.LastModified!.Value.ToString("r", CultureInfo.InvariantCulture), StringComparison.Ordinal);
        using var head = await HeadAsync(site, header, condition);
        Assert.Equal((HttpStatusCode)status, head.StatusCode);
    }

    [Theory]
    [InlineData("&extra=1", 403, "AuthenticationFailed")]
    [InlineData("&comp=metadata", 400, "InvalidQueryParameterValue")]
    public async Task HEAD_with_a_wrong_URL_is_rejected(string added, int status, string code)
    {
        var site = await UploadSite.CreateAsync(_server);
        await site.UploadAsync(UploadSite.Tar("one"));
        using var request = new HttpRequestMessage(HttpMethod.Head, site.Url + added);
        using var head = await _server.Anonymous.SendAsync(request, Cancellation);
        Assert.Equal((HttpStatusCode)status, head.StatusCode);
        Assert.Equal(code, Assert.Single(head.Headers.GetValues("x-ms-error-code")));
        Assert.False(head.Headers.Contains("x-ms-version-id"));
    }

    [Fact]
    public async Task HEAD_after_finalize_is_rejected_with_403()
    {
        var site = await UploadSite.CreateAsync(_server);
        await site.FinalizeAsync(await site.UploadAsync(UploadSite.Tar("one")));
        using var head = await HeadAsync(site);
        Assert.Equal(HttpStatusCode.Forbidden, head.StatusCode);
        Assert.Equal("AuthorizationFailure", Assert.Single(head.Headers.GetValues("x-ms-error-code")));
    }

    private static void FromBlobClient(HttpRequestMessage request) => request.Headers.Add("x-ms-version", "2024-11-04");

    private Task<HttpResponseMessage> HeadAsync(UploadSite site, string? header = null, string? value = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Head, site.Url);
        FromBlobClient(request);
        if (header is not null)
            request.Headers.TryAddWithoutValidation(header, value);
        return _server.Anonymous.SendAsync(request, Cancellation);
    }
}
