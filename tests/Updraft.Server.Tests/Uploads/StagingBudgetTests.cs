using System.Net;

namespace Updraft.Server.Tests.Uploads;

/// <summary>Only blocks that were staged count towards the limits of staged bytes and blocks.</summary>
public sealed class StagingBudgetTests(StagingBudgetTests.SmallServer fixture) : IClassFixture<StagingBudgetTests.SmallServer>
{
    private const int MaxBytes = 100_000, MaxBlockBytes = 50_000, MaxBlocks = 4, WrongBlocks = 12;

    private UpdraftServer Server => fixture.Server;

    [Fact]
    public async Task Block_with_a_wrong_MD5_does_not_count()
    {
        var site = await UploadSite.CreateAsync(Server);
        for (var i = 0; i < WrongBlocks; i++)
        {
            using var response = await site.PutAsync(new byte[MaxBlockBytes], Query(i),
                request => request.Content!.Headers.ContentMD5 = UploadSite.Md5([1]));
            await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "Md5Mismatch");
        }
        await AssertWholeBudgetIsLeftAsync(site);
    }

    [Fact]
    public async Task Block_with_a_broken_connection_does_not_count()
    {
        var site = await UploadSite.CreateAsync(Server);
        for (var i = 0; i < WrongBlocks; i++)
        {
            using var http = await RawHttp.ConnectAsync(Server.BaseAddress);
            await http.SendHeadAsync(site.Url + Query(i), ["x-ms-blob-type: BlockBlob", $"Content-Length: {MaxBlockBytes}"]);
            await http.SendAsync(new byte[MaxBlockBytes - 1]);
            http.EndSending();
            // The server has ended the request when it closes the connection.
            await http.ReadToEndAsync();
        }
        await AssertWholeBudgetIsLeftAsync(site);
    }

    [Fact]
    public async Task Block_above_the_limit_does_not_count()
    {
        var site = await UploadSite.CreateAsync(Server);
        for (var i = 0; i < WrongBlocks; i++)
        {
            using var response = await site.PutAsync(new byte[MaxBlockBytes + 1], Query(i), request =>
            {
                request.Content!.Headers.ContentLength = null;
                request.Headers.TransferEncodingChunked = true;
            });
            await UploadSite.RefusalAsync(response, HttpStatusCode.RequestEntityTooLarge, "RequestBodyTooLarge");
        }
        await AssertWholeBudgetIsLeftAsync(site);
    }

    [Fact]
    public async Task Blocks_beyond_twice_the_limit_are_rejected_with_413()
    {
        var site = await UploadSite.CreateAsync(Server);
        for (var i = 0; i < 2 * MaxBlocks; i++)
        {
            using var staged = await site.StageAsync(Id(i), [1]);
            Assert.Equal(HttpStatusCode.Created, staged.StatusCode);
        }
        using var response = await site.StageAsync(Id(0), [1]);
        await UploadSite.RefusalAsync(response, HttpStatusCode.RequestEntityTooLarge, "RequestBodyTooLarge");
    }

    /// <summary>Asserts that exactly twice the bytes of the largest upload can be staged.</summary>
    private static async Task AssertWholeBudgetIsLeftAsync(UploadSite site)
    {
        for (var i = 0; i < 2 * MaxBytes / MaxBlockBytes; i++)
        {
            using var staged = await site.StageAsync(Id(i), new byte[MaxBlockBytes]);
            Assert.Equal(HttpStatusCode.Created, staged.StatusCode);
        }
        using var response = await site.StageAsync(Id(0), [1]);
        await UploadSite.RefusalAsync(response, HttpStatusCode.RequestEntityTooLarge, "RequestBodyTooLarge");
    }

    private static string Id(int number) => Convert.ToBase64String(BitConverter.GetBytes(number));

    private static string Query(int number) => $"&comp=block&blockid={Uri.EscapeDataString(Id(number))}";

    /// <summary>A server with low limits.</summary>
    public sealed class SmallServer : IAsyncLifetime
    {
        private UpdraftServer? _server;

        internal UpdraftServer Server => _server ?? throw new InvalidOperationException("The server has not started.");

        public async ValueTask InitializeAsync()
        {
            var settings = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["Uploads:MaxBytes"] = $"{MaxBytes}",
                ["Uploads:MaxBlockBytes"] = $"{MaxBlockBytes}",
                ["Uploads:MaxBlocks"] = $"{MaxBlocks}",
            };
            _server = await UpdraftServer.StartAsync(settings: settings);
        }

        public async ValueTask DisposeAsync()
        {
            if (_server is not null)
                await _server.DisposeAsync();
        }
    }
}
