using System.Runtime.InteropServices;

namespace Updraft.Server.Tests.Storage;

public sealed class OpenFlagsTests
{
    [Theory]
    [InlineData(Architecture.X64, 0x10000, 0x20000)]
    [InlineData(Architecture.Arm64, 0x4000, 0x8000)]
    public void Open_flags_match_the_kernel_headers(Architecture processor, int directory, int noFollow) =>
        Assert.Equal(new OpenFlags(directory, noFollow), OpenFlags.Of(processor));

    [Theory]
    [InlineData(Architecture.X86)]
    [InlineData(Architecture.Arm)]
    [InlineData(Architecture.S390x)]
    [InlineData(Architecture.RiscV64)]
    public void Unknown_processor_is_not_supported(Architecture processor)
    {
        var failure = Assert.Throws<PlatformNotSupportedException>(() => OpenFlags.Of(processor));
        Assert.Contains($"{processor}", failure.Message, StringComparison.Ordinal);
    }
}
