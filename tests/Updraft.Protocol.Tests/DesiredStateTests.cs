using System.Security.Cryptography;
using System.Text.Json;
using CsCheck;

namespace Updraft.Protocol.Tests;

public sealed class DesiredStateTests : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => _key.Dispose();

    [Fact]
    public void Documented_example_verifies_with_documented_key()
    {
        var key = JsonSerializer.Deserialize<PublicKey>(Vectors.Read("desired-state.md", "key"))!;
        var state = DesiredState.Verify(Vectors.Read("desired-state.md", "state"), key);
        Assert.Equal((7L, StatePhase.Activate, "dags"), (state.Revision, state.Phase, state.Mounts[0].Path));
        Assert.Equal(Vectors.Read("manifest.md", "manifest-digest"), state.Mounts[0].Manifest);
    }

    [Fact]
    public void Signed_document_round_trips()
    {
        var state = Sample();
        var again = DesiredState.Verify(state.Sign(_key, PublicKey.Of(_key).KeyId), PublicKey.Of(_key));
        Assert.Equal(JsonSerializer.Serialize(state), JsonSerializer.Serialize(again));
    }

    [Fact]
    public void Signature_of_another_key_is_rejected()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var document = Sample().Sign(_key, PublicKey.Of(_key).KeyId);
        Assert.Throws<InvalidDataException>(() => DesiredState.Verify(document, PublicKey.Of(other)));
        var forged = Sample().Sign(other, PublicKey.Of(_key).KeyId);
        Assert.Throws<InvalidDataException>(() => DesiredState.Verify(forged, PublicKey.Of(_key)));
    }

    [Fact]
    public void Changed_character_is_rejected()
    {
        var key = PublicKey.Of(_key);
        var document = Sample().Sign(_key, key.KeyId);
        Gen.Select(Gen.Int[0, document.Length - 1], Gen.Char[' ', 'z']).Sample((position, letter) =>
        {
            if (document[position] == letter)
                return;
            var changed = document[..position] + letter + document[(position + 1)..];
            // The last character of a base64url part can have unused bits. Then the document is rejected or has an equal payload.
            try
            {
                Assert.Equal(JsonSerializer.Serialize(Sample()), JsonSerializer.Serialize(DesiredState.Verify(changed, key)));
                Assert.Equal(document.Length - 1, position);
            }
            catch (InvalidDataException)
            {
                // The document was rejected.
            }
        });
    }

    [Theory]
    [InlineData("""{"alg":"none","typ":"updraft-state","kid":"KID"}""")]
    [InlineData("""{"alg":"HS256","typ":"updraft-state","kid":"KID"}""")]
    [InlineData("""{"alg":"ES256","typ":"JWT","kid":"KID"}""")]
    [InlineData("""{"alg":"ES256","typ":"updraft-state","kid":"other"}""")]
    [InlineData("""{ "alg":"ES256","typ":"updraft-state","kid":"KID"}""")]
    public void Other_header_is_rejected(string header)
    {
        var key = PublicKey.Of(_key);
        var parts = Sample().Sign(_key, key.KeyId).Split('.');
        var bytes = System.Text.Encoding.ASCII.GetBytes(header.Replace("KID", key.KeyId, StringComparison.Ordinal));
        parts[0] = System.Buffers.Text.Base64Url.EncodeToString(bytes);
        var signature = _key.SignData(System.Text.Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]), HashAlgorithmName.SHA256,
            DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        parts[2] = System.Buffers.Text.Base64Url.EncodeToString(signature);
        Assert.Throws<InvalidDataException>(() => DesiredState.Verify(string.Join('.', parts), key));
    }

    [Fact]
    public void Key_id_other_than_thumbprint_is_rejected()
    {
        var key = PublicKey.Of(_key);
        Assert.Throws<InvalidDataException>(() => (key with { KeyId = "chosen" }).ToECDsa());
    }

    private static DesiredState Sample() => new()
    {
        OrganizationId = "clmaxoarx000008l2c5ayb9pt",
        DeploymentId = "clmh57jtm000008lb58fe2wmv",
        Epoch = 1,
        Revision = 3,
        Phase = StatePhase.Prepare,
        DeployId = "clvetru2w000201mowqwua63n",
        Image = new ImageReference("localhost:5555/o/d", "deploy-1", null),
        Mounts =
        [
            new DesiredMount
            {
                Path = "dbt/shop", Version = "2024-01-12T18:32:20.5898930Z", Manifest = Digest.Of("x"u8).ToString(), Files = 2, Bytes = 10,
            },
        ],
        IssuedAt = new DateTimeOffset(2024, 1, 12, 18, 33, 0, TimeSpan.Zero),
        ExpiresAt = new DateTimeOffset(2024, 1, 13, 18, 33, 0, TimeSpan.Zero),
    };
}
