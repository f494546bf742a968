using System.Net;

namespace Updraft.Server.Tests.Uploads;

public sealed class UploadLimitTests(UploadLimitTests.SmallServer fixture) : IClassFixture<UploadLimitTests.SmallServer>
{
    private const int MaxBytes = 100_000, MaxBlockBytes = 60_000;

    private readonly UpdraftServer _server = fixture.Server;

    private static string Id(int number) => Convert.ToBase64String(BitConverter.GetBytes(number));

    [Fact]
    public async Task Excessive_length_is_rejected_before_the_body_is_read_with_413()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        await http.SendHeadAsync(site.Url, ["x-ms-blob-type: BlockBlob", $"Content-Length: {MaxBytes + 1}", "Expect: 100-continue"]);

        var response = await http.ReadUntilAsync("\"statusCode\"");

        Assert.StartsWith("HTTP/1.1 413 ", response);
        Assert.Contains("The body has at least 100001 bytes; the limit is 100000 bytes (Uploads:MaxBytes).", response);
    }

    [Fact]
    public async Task Excessive_chunked_body_is_rejected_with_413()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.LargeTar(3 * MaxBytes), adjust: Chunked);

        Assert.Contains("(Uploads:MaxBytes)", await TooLargeAsync(response));
        Assert.Empty(await site.RecordedAsync());
        Assert.Empty(await UploadSite.BlobsAsync(_server, $"packs/{site.DeploymentId}"));
    }

    [Fact]
    public async Task Body_at_the_limit_is_accepted()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archive = UploadSite.LargeTar(MaxBytes - 10_240);
        Array.Resize(ref archive, MaxBytes - (MaxBytes % 512));
        await site.UploadAsync(archive);
    }

    [Fact]
    public async Task Excessive_block_is_rejected_with_413()
    {
        var site = await UploadSite.CreateAsync(_server);
        foreach (var adjust in new Action<HttpRequestMessage>?[] { null, Chunked })
        {
            using var response = await site.PutAsync(new byte[MaxBlockBytes + 1],
                $"&comp=block&blockid={Uri.EscapeDataString(Id(1))}", adjust);
            Assert.Contains("(Uploads:MaxBlockBytes)", await TooLargeAsync(response));
        }
        Assert.Empty(await UploadSite.BlobsAsync(_server, site.DeployId));
    }

    [Fact]
    public async Task Blocks_with_an_excessive_sum_are_rejected_with_413()
    {
        var site = await UploadSite.CreateAsync(_server);
        foreach (var id in new[] { 1, 2 })
            (await site.StageAsync(Id(id), new byte[MaxBlockBytes])).Dispose();

        using var response = await site.CommitAsync(Id(1), Id(2));

        Assert.Contains("120000 bytes together", await TooLargeAsync(response));
    }

    [Fact]
    public async Task Block_list_with_too_many_blocks_is_rejected_with_413()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.CommitAsync([.. Enumerable.Range(0, 11).Select(Id)]);
        Assert.Contains("(Uploads:MaxBlocks)", await TooLargeAsync(response, "BlockListTooLong"));
    }

    [Fact]
    public async Task Endless_block_list_is_rejected_with_413()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.CommitXmlAsync("<BlockList>" + new string(' ', 1_000_000));
        await TooLargeAsync(response);
    }

    [Fact]
    public async Task Staged_blocks_are_limited_to_twice_the_largest_upload()
    {
        var site = await UploadSite.CreateAsync(_server);
        for (var i = 0; i < 3; i++)
        {
            using var accepted = await site.StageAsync(Id(i), new byte[MaxBlockBytes]);
            Assert.Equal(HttpStatusCode.Created, accepted.StatusCode);
        }

        using var response = await site.StageAsync(Id(3), new byte[MaxBlockBytes]);

        var error = await TooLargeAsync(response);
        Assert.Contains("240000 bytes were staged", error);
        Assert.Contains("Upload a smaller archive, or raise Uploads:MaxBytes.", error);
        Assert.Equal(3, (await UploadSite.BlobsAsync(_server, site.DeployId)).Count);
    }

    [Fact]
    public async Task Upload_above_the_concurrency_limit_is_rejected_with_503()
    {
        var sites = new[] { await UploadSite.CreateAsync(_server), await UploadSite.CreateAsync(_server) };
        var archive = UploadSite.Tar("one");
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        await http.SendHeadAsync(sites[0].Url, ["x-ms-blob-type: BlockBlob", $"Content-Length: {archive.Length}", "Expect: 100-continue"]);
        await http.ReadUntilAsync("100 Continue");

        using (var refused = await sites[1].PutAsync(archive))
        {
            await UploadSite.RefusalAsync(refused, HttpStatusCode.ServiceUnavailable, "ServerBusy");
            Assert.Equal(TimeSpan.FromSeconds(3), refused.Headers.RetryAfter?.Delta);
        }
        await http.SendAsync(archive);
        await http.ReadUntilAsync("201 Created");
    }

    private static Task<string> TooLargeAsync(HttpResponseMessage response, string code = "RequestBodyTooLarge") =>
        UploadSite.RefusalAsync(response, HttpStatusCode.RequestEntityTooLarge, code);

    private static void Chunked(HttpRequestMessage request)
    {
        request.Content = new StreamContent(request.Content!.ReadAsStream(TestContext.Current.CancellationToken));
        request.Content.Headers.ContentLength = null;
        request.Headers.TransferEncodingChunked = true;
    }

    public sealed class SmallServer : IAsyncLifetime
    {
        private UpdraftServer? _server;

        internal UpdraftServer Server => _server ?? throw new InvalidOperationException("The server is not started.");

        public async ValueTask InitializeAsync()
        {
            var settings = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["Uploads:MaxBytes"] = $"{MaxBytes}",
                ["Uploads:MaxBlockBytes"] = $"{MaxBlockBytes}",
                ["Uploads:MaxBlocks"] = "10",
                ["Uploads:MaxConcurrent"] = "1",
            };
            _server = await UpdraftServer.StartAsync(settings: settings);
        }

        public async ValueTask DisposeAsync()
        {
            if (_server is { } server)
                await server.DisposeAsync();
        }
    }
}
