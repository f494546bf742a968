using System.Text;

namespace Updraft.Server.Tests.Uploads;

/// <summary>Bodies that end early, have two lengths, or wait for 100 Continue.</summary>
[Trait("Database", "any")]
public sealed class FramingTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private static readonly string[] BlockBlob = ["x-ms-blob-type: BlockBlob"];

    private readonly UpdraftServer _server = fixture.Server;

    [Fact]
    public async Task Body_that_ends_early_creates_no_version()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await UploadSite.CreateAsync(server);
        var archive = UploadSite.Tar("one");
        // The last body is a complete archive, but shorter than its Content-Length.
        foreach (var (sent, announced) in new[] { (0, 3072), (1, 3072), (700, 3072), (2559, 2560), (archive.Length, archive.Length + 512) })
        {
            using var http = await RawHttp.ConnectAsync(server.BaseAddress);
            await http.SendHeadAsync(site.Url, [.. BlockBlob, $"Content-Length: {announced}"]);
            await http.SendAsync(archive.AsMemory(0, Math.Min(sent, archive.Length)));
            http.EndSending();
            Assert.DoesNotContain(" 201 ", await http.ReadToEndAsync());
        }
        // The stop waits for running requests.
        await server.RestartAsync();
        Assert.Empty(await site.RecordedAsync());
    }

    [Fact]
    public async Task Broken_connection_leaves_nothing_behind()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await UploadSite.CreateAsync(server);
        var archive = UploadSite.LargeTar(3_000_000);
        using (var http = await RawHttp.ConnectAsync(server.BaseAddress))
        {
            await http.SendHeadAsync(site.Url, [.. BlockBlob, $"Content-Length: {archive.Length}", "Expect: 100-continue"]);
            await http.ReadUntilAsync("100 Continue");
            await http.SendAsync(archive.AsMemory(0, 2_000_000));
            http.Reset();
        }
        // The stop waits for the request. Then the request must have left nothing.
        await server.StopAsync();
        Assert.Empty(await UploadSite.BlobsAsync(server, "pack"));
    }

    [Theory]
    [InlineData("Content-Length: 3072", "Transfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked", "Content-Length: 3072")]
    [InlineData("Content-Length: 3072", "Content-Length: 3073")]
    [InlineData("Transfer-Encoding: gzip, chunked", "Accept: */*")]
    public async Task Body_with_an_ambiguous_end_is_rejected_with_400(string one, string other)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        await http.SendHeadAsync(site.Url, [.. BlockBlob, one, other]);
        // A server that reads only the chunks sees a valid archive.
        var archive = UploadSite.Tar("one");
        await http.OfferAsync(Encoding.ASCII.GetBytes($"{archive.Length:x}\r\n"));
        await http.OfferAsync(archive);
        await http.OfferAsync(Encoding.ASCII.GetBytes("\r\n0\r\n\r\n"));

        var status = (await http.ReadHeadAsync()).Split(' ')[1];

        Assert.Equal("400", status);
        Assert.Empty(await site.RecordedAsync());
    }

    [Fact]
    public async Task Upload_is_rejected_before_its_body_is_requested()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        var forged = site.Url[..^1] + (site.Url[^1] == 'a' ? 'b' : 'a');
        await http.SendHeadAsync(forged, [.. BlockBlob, "Content-Length: 10240", "Expect: 100-continue"]);

        Assert.StartsWith("HTTP/1.1 403 ", await http.ReadHeadAsync());
    }

    [Fact]
    public async Task Accepted_upload_gets_100_Continue()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archive = UploadSite.Tar("one");
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        await http.SendHeadAsync(site.Url, [.. BlockBlob, $"Content-Length: {archive.Length}", "Expect: 100-continue"]);
        Assert.StartsWith("HTTP/1.1 100 Continue", await http.ReadHeadAsync());

        await http.SendAsync(archive);

        await http.ReadUntilAsync("HTTP/1.1 201 Created");
    }

    [Fact]
    public async Task Upload_over_HTTP_1_0_is_accepted()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archive = UploadSite.Tar("one");
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        await http.SendHeadAsync(site.Url, [.. BlockBlob, $"Content-Length: {archive.Length}"], "HTTP/1.0");
        await http.SendAsync(archive);
        Assert.Contains(" 201 ", await http.ReadHeadAsync());
    }
}
