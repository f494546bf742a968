using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Updraft.Server.Tests.Uploads;

/// <summary>The server verifies <c>x-ms-content-crc64</c> of archives, blocks and block lists.</summary>
public sealed class Crc64Tests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private readonly UpdraftServer _server = fixture.Server;

    [Theory]
    [InlineData("123456789", 0xAE8B14860A799888)]
    [InlineData("Hello, World!\n", 0x4A85D76F1EBB2A91)]
    public async Task Block_with_a_published_CRC64_is_accepted(string text, ulong crc)
    {
        var body = Encoding.UTF8.GetBytes(text);
        Assert.Equal(crc, Crc64Of(body));
        var site = await UploadSite.CreateAsync(_server);
        using var response = await PutAsync(site, body, crc, "&comp=block&blockid=AAAA");
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Fact]
    public async Task Archives_of_any_length_with_their_CRC64_are_accepted()
    {
        var site = await UploadSite.CreateAsync(_server);
        for (var length = 0; length < 20; length++)
        {
            var block = Enumerable.Range(1, length).Select(i => (byte)(i * 11)).ToArray();
            using var staged = await PutAsync(site, block, Crc64Of(block), "&comp=block&blockid=AAAA");
            Assert.Equal(HttpStatusCode.Created, staged.StatusCode);
        }
        var archive = UploadSite.LargeTar(300_001);
        using var put = await PutAsync(site, archive, Crc64Of(archive), "");
        await UploadSite.VersionOfAsync(put);
    }

    [Theory]
    [InlineData("")]
    [InlineData("&comp=block&blockid=AAAA")]
    [InlineData("&comp=blocklist")]
    public async Task Body_with_a_wrong_CRC64_leaves_nothing_behind(string query)
    {
        var site = await UploadSite.CreateAsync(_server);
        (await site.StageAsync("AAAB", UploadSite.Tar("one"))).Dispose();
        var before = (await UploadSite.BlobsAsync(_server, site.DeployId)).Count;
        var body = query == "&comp=blocklist" ? "<BlockList><Latest>AAAB</Latest></BlockList>"u8.ToArray() : UploadSite.Tar("two");

        using var response = await PutAsync(site, body, Crc64Of(body) ^ 1, query);

        await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "Crc64Mismatch");
        Assert.Empty(await site.RecordedAsync());
        Assert.Equal(before, (await UploadSite.BlobsAsync(_server, site.DeployId)).Count);
    }

    [Theory]
    [InlineData("12345")]
    [InlineData("AAAAAAAAAA==")]
    [InlineData("AAAAAAAAAAAAAAAA")]
    public async Task Malformed_CRC64_is_rejected_with_400(string value)
    {
        var site = await UploadSite.CreateAsync(_server);
        using var response = await site.PutAsync(UploadSite.Tar("one"),
            adjust: request => request.Headers.Add("x-ms-content-crc64", value));
        Assert.Contains("8 bytes", await UploadSite.RefusalAsync(response, HttpStatusCode.BadRequest, "InvalidHeaderValue"));
    }

    private static Task<HttpResponseMessage> PutAsync(UploadSite site, byte[] body, ulong crc, string query)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, crc);
        return site.PutAsync(body, query, request => request.Headers.Add("x-ms-content-crc64", Convert.ToBase64String(bytes)));
    }

    // Bit by bit, so it shares nothing with the tables of the server.
    private static ulong Crc64Of(byte[] bytes)
    {
        var crc = ulong.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0x9A6C9329AC4BC9B5;
        }
        return ~crc;
    }
}
