using System.Text;

namespace Updraft.Server.Tests.Uploads;

/// <summary>Bodies that are cut off, announced twice, or not yet asked for.</summary>
[Trait("Database", "every")]
public sealed class FramingTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private static readonly string[] BlockBlob = ["x-ms-blob-type: BlockBlob"];

    private readonly UpdraftServer _server = fixture.Server;

    [Fact]
    public async Task A_body_that_ends_early_makes_no_version()
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await UploadSite.CreateAsync(server);
        var archive = UploadSite.Tar("one");
        // The last one is a whole archive that lacks nothing but the padding which was announced.
        foreach (var (sent, announced) in new[] { (0, 3072), (1, 3072), (700, 3072), (2559, 2560), (archive.Length, archive.Length + 512) })
        {
            using var http = await RawHttp.ConnectAsync(server.BaseAddress);
            await http.SendHeadAsync(site.Url, [.. BlockBlob, $"Content-Length: {announced}"]);
            await http.SendAsync(archive.AsMemory(0, Math.Min(sent, archive.Length)));
            http.EndSending();
            Assert.DoesNotContain(" 201 ", await http.ReadToEndAsync());
        }
        // Stopping waits for what still runs.
        await server.RestartAsync();
        Assert.Empty(await site.RecordedAsync());
    }

    [Fact]
    public async Task A_broken_connection_leaves_nothing_behind()
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
        // Stopping waits for the request, and then nothing of it may be there.
        await server.StopAsync();
        Assert.Empty(await UploadSite.BlobsAsync(server, "pack"));
    }

    [Theory]
    [InlineData("Content-Length: 3072", "Transfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked", "Content-Length: 3072")]
    [InlineData("Content-Length: 3072", "Content-Length: 3073")]
    [InlineData("Transfer-Encoding: gzip, chunked", "Accept: */*")]
    public async Task A_body_whose_end_is_open_to_doubt_is_a_400(string one, string other)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        await http.SendHeadAsync(site.Url, [.. BlockBlob, one, other]);
        // Whoever looks at the chunks only sees a good archive.
        var archive = UploadSite.Tar("one");
        await http.OfferAsync(Encoding.ASCII.GetBytes($"{archive.Length:x}\r\n"));
        await http.OfferAsync(archive);
        await http.OfferAsync(Encoding.ASCII.GetBytes("\r\n0\r\n\r\n"));

        var status = (await http.ReadHeadAsync()).Split(' ')[1];

        Assert.Equal("400", status);
        Assert.Empty(await site.RecordedAsync());
    }

    [Fact]
    public async Task A_refused_upload_is_refused_before_its_body_is_asked_for()
    {
        var site = await UploadSite.CreateAsync(_server);
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        var forged = site.Url[..^1] + (site.Url[^1] == 'a' ? 'b' : 'a');
        await http.SendHeadAsync(forged, [.. BlockBlob, "Content-Length: 10240", "Expect: 100-continue"]);

        Assert.StartsWith("HTTP/1.1 403 ", await http.ReadHeadAsync());
    }

    [Fact]
    public async Task The_client_of_an_accepted_upload_is_told_to_continue()
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
    public async Task An_old_client_with_a_length_is_served()
    {
        var site = await UploadSite.CreateAsync(_server);
        var archive = UploadSite.Tar("one");
        using var http = await RawHttp.ConnectAsync(_server.BaseAddress);
        await http.SendHeadAsync(site.Url, [.. BlockBlob, $"Content-Length: {archive.Length}"], "HTTP/1.0");
        await http.SendAsync(archive);
        Assert.Contains(" 201 ", await http.ReadHeadAsync());
    }
}
