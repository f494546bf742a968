using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Security;

/// <summary>
/// The server's secrets. The first start creates them in the directory of the keys; only the file owner can read them:
/// <code>
/// keys/signing.pem   ECDSA P-256 private key: signs tokens and desired states; agents pin its public key
/// keys/uploads.key   32 random bytes: signs upload URLs, derives refresh tokens
/// </code>
/// </summary>
internal sealed class SigningKeys : IDisposable
{
    public SigningKeys(IOptions<ServerOptions> options)
    {
        var directory = options.Value.KeyDirectory();
        Signing = ECDsa.Create();
        Signing.ImportFromPem(Encoding.ASCII.GetString(LoadOrCreate(Path.Join(directory, "signing.pem"), static () =>
        {
            using var generated = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return Encoding.ASCII.GetBytes(generated.ExportPkcs8PrivateKeyPem());
        })));
        Uploads = LoadOrCreate(Path.Join(directory, "uploads.key"), static () => RandomNumberGenerator.GetBytes(32));
        Public = PublicKey.Of(Signing);
    }

    /// <summary>Signs tokens and desired states.</summary>
    public ECDsa Signing { get; }

    /// <summary>The public key of <see cref="Signing"/>.</summary>
    public PublicKey Public { get; }

    /// <summary>HMAC key of upload URLs and of refresh tokens. Each use starts its text with another name.</summary>
    public byte[] Uploads { get; }

    /// <summary>The keys as they are compared with the keys of other replicas.</summary>
    public IEnumerable<SharedKey> Shared =>
    [
        new("signing", "signing.pem", Public.KeyId),
        new("uploads", "uploads.key", Convert.ToHexStringLower(HMACSHA256.HashData(Uploads, "which key is this"u8))),
    ];

    public void Dispose() => Signing.Dispose();

    /// <summary>
    /// The content of a file. Creates a missing file. If several replicas start at the same time, one creates the file, and all read it.
    /// </summary>
    public static byte[] LoadOrCreate(string path, Func<byte[]> create)
    {
        if (!File.Exists(path))
            AtomicFile.TryCreate(path, create());
        return File.ReadAllBytes(path);
    }
}
