using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Archives;

/// <summary>Headers of tar programs beyond plain ustar, PAX and GNU.</summary>
public sealed class TarDialectTests
{
    private static readonly byte[] Time = TarBuilder.Text("14544312345 ");

    [Theory]
    [InlineData("ustar\0\0\0")]
    [InlineData("ustar\00 ")]
    [InlineData("ustar\0  ")]
    [InlineData("ustar   ")]
    [InlineData("ustar\000")]
    [InlineData("\0\0\0\0\0\0\0\0")]
    public async Task Magic_of_any_tar_program_is_accepted(string magic) => Assert.Equal("a", await ReadAsync(new TarBuilder()
        .Header(TarBuilder.Text("a"), change: header => TarBuilder.Text(magic).CopyTo(header, 257))));

    [Theory]
    [InlineData("", "a")]
    [InlineData("prefix", "prefix prefix/a")]
    public async Task Times_in_the_prefix_do_not_change_the_name(string prefix, string expected)
    {
        foreach (var signature in new[] { "", "tar" })
        {
            Assert.Equal(expected, await ReadAsync(new TarBuilder().Header(TarBuilder.Text("a"), change: header =>
            {
                TarBuilder.Text(prefix).CopyTo(header, 345);
                Time.CopyTo(header, 476);
                Time.CopyTo(header, 488);
                TarBuilder.Text(signature).CopyTo(header, 508);
            })));
        }
    }

    [Fact]
    public async Task Prefix_of_155_bytes_is_not_mistaken_for_times()
    {
        var prefix = string.Join('/', Enumerable.Repeat(new string('p', 30), 5));
        Assert.EndsWith($"{prefix}/a", await ReadAsync(new TarBuilder().Header(TarBuilder.Text("a"),
            change: header => TarBuilder.Text(prefix).CopyTo(header, 345))));
    }

    [Fact]
    public async Task Times_of_a_GNU_dump_are_accepted() => Assert.Equal("a", await ReadAsync(new TarBuilder()
        .Header(TarBuilder.Text("a"), format: TarFormat.Gnu, change: header =>
        {
            TarBuilder.Text("14544312345\0").CopyTo(header, 345);
            TarBuilder.Text("14544312345\0").CopyTo(header, 357);
        })));

    [Fact]
    public async Task Label_and_dumped_directory_are_accepted()
    {
        var tree = await ReadAsync(new TarBuilder().Header(TarBuilder.Text("my label"), 'V', format: TarFormat.Gnu)
            .Header(TarBuilder.Text("d/"), 'D', 5, format: TarFormat.Gnu).Content("Ya\0\0\0"u8).File("d/a"));

        Assert.Equal("d d/a", tree);
    }

    [Fact]
    public async Task Contiguous_file_and_Solaris_header_are_accepted()
    {
        var tree = await ReadAsync(new TarBuilder().Header(TarBuilder.Text("a"), '7', 1).Content("x"u8)
            .Extended('X', TarBuilder.Records(("path", "long"))).File("short"));

        Assert.Equal("a long", tree);
    }

    [Fact]
    public async Task Checksum_of_signed_bytes_is_accepted() => Assert.Equal("é", await ReadAsync(new TarBuilder()
        .Header(TarBuilder.Text("é"), damage: header =>
        {
            var sum = header.Select(value => (int)unchecked((sbyte)value)).Sum()
                - header.AsSpan(148, 8).ToArray().Select(value => (int)value).Sum() + 8 * ' ';
            TarBuilder.Text(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header, 148);
        })));

    [Fact]
    public async Task Size_and_mode_of_NULs_are_zero() => Assert.Equal("a", await ReadAsync(new TarBuilder()
        .Header(TarBuilder.Text("a"), change: header =>
        {
            header.AsSpan(124, 12).Clear();
            header.AsSpan(100, 8).Clear();
        })));

    [Theory]
    [InlineData("uname", "root")]
    [InlineData("LIBARCHIVE.creationtime", "1")]
    [InlineData("SCHILY.release", "star")]
    [InlineData("GNU.volume.label", "label")]
    [InlineData("charset", "UTF-8")]
    [InlineData("hdrcharset", "BINARY")]
    [InlineData("hdrcharset", "ISO-IR 10646 2000 UTF-8")]
    [InlineData("uid", "1")]
    public async Task Record_that_Updraft_ignores_is_accepted_for_one_and_all_entries(string key, string value) =>
        Assert.Equal("a b", await ReadAsync(new TarBuilder().Extended('g', TarBuilder.Records((key, value))).File("a")
            .Pax((key, value)).File("b")));

    [Fact]
    public async Task Empty_extended_header_is_ignored() =>
        Assert.Equal("a", await ReadAsync(new TarBuilder().Extended('g', []).Extended('x', []).File("a")));

    [Theory]
    [InlineData('M', "--multi-volume")]
    [InlineData('N', "long names")]
    [InlineData('3', "device")]
    [InlineData('6', "FIFO")]
    public async Task Type_is_the_reason_before_other_fields_of_the_header(char type, string reason)
    {
        var archive = new TarBuilder().File("before").Header(TarBuilder.Text("node"), type, format: TarFormat.Gnu,
            change: header => header.AsSpan(345, 150).Fill((byte)'9')).ToArray();
        var rejection = await Assert.ThrowsAsync<ApiException>(() => ArchiveReading.ReadAsync(archive));

        Assert.Contains(reason, rejection.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0")]
    [InlineData("0.1")]
    [InlineData("1.0")]
    [InlineData("old")]
    public async Task Sparse_file_is_expanded(string version)
    {
        // 1,000 zeros, "abc", 497 zeros, "de", 498 zeros.
        (string, string)[] common = [("GNU.sparse.name", "dags/s"), ("GNU.sparse.numblocks", "2")];
        var tar = version switch
        {
            "0.0" => new TarBuilder().Pax([("path", "dags/s"), ("GNU.sparse.size", "2000"), ("GNU.sparse.offset", "1000"),
                ("GNU.sparse.numbytes", "3"), ("GNU.sparse.offset", "1500"), ("GNU.sparse.numbytes", "2")]).File("x", "abcde"),
            "0.1" => new TarBuilder().Pax([.. common, ("GNU.sparse.size", "2000"), ("GNU.sparse.map", "1000,3,1500,2")]).File("x", "abcde"),
            "1.0" => new TarBuilder().Pax([("GNU.sparse.name", "dags/s"), ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"),
                ("GNU.sparse.realsize", "2000")]).File("dags/GNUSparseFile.0/s", "2\n1000\n3\n1500\n2\n".PadRight(512, '\0') + "abcde"),
            _ => new TarBuilder().Header(TarBuilder.Text("dags/s"), 'S', 5, format: TarFormat.Gnu, change: header =>
            {
                TarBuilder.Text("00000001750\000000000003\000000002734\000000000002\0").CopyTo(header, 386);
                TarBuilder.Text("00000003720\0").CopyTo(header, 483);
            }).Content("abcde"u8),
        };
        var expected = new byte[2000];
        "abc"u8.CopyTo(expected.AsSpan(1000));
        "de"u8.CopyTo(expected.AsSpan(1500));
        var archive = tar.File("dags/after").ToArray();

        foreach (var piece in new[] { int.MaxValue, 7 })
        {
            var manifest = await ArchiveReading.ReadAsync(archive, piece);
            Assert.Equal(["dags", "dags/after", "dags/s"], manifest.Entries.Select(entry => entry.Path));
            Assert.Equal((2000, Digest.Of(expected)), (manifest.Find("dags/s")!.Value.Size, manifest.Find("dags/s")!.Value.Content));
        }
    }

    [Fact]
    public async Task Sparse_files_count_with_their_holes()
    {
        var tar = new TarBuilder();
        for (var i = 0; i < 5; i++)
            tar.Pax(("GNU.sparse.size", "400000000"), ("GNU.sparse.map", "0,1")).File($"s{i}");
        var rejection = await Assert.ThrowsAsync<ApiException>(() => ArchiveReading.ReadAsync(tar.ToArray(),
            limits: new() { MaxUnpackedBytes = 500_000_000 }));

        Assert.Equal("Archives:MaxUnpackedBytes", rejection.Limit);
        Assert.Contains("'s1'", rejection.Message, StringComparison.Ordinal);
    }

    private static async Task<string> ReadAsync(TarBuilder tar) =>
        string.Join(' ', (await ArchiveReading.ReadAsync(tar.ToArray())).Entries.Select(entry => entry.Path));
}
