using CsCheck;
using Pachyderm.RecordStores.Etcd;

namespace Pachyderm.RecordStores.Tests.Etcd;

public sealed class EtcdKeyHorizonTests : EtcdTestBase
{
    private static readonly EtcdOptions SmallSteps = new() { PageRecords = 3, MaxMessageBytes = 2_000, WalkRecords = 0 };

    [Fact]
    public void A_guess_always_gets_further_and_never_beyond_the_end() =>
        Gen.Select(Gen.Byte.Array[1, 12], Gen.Byte.Array[1, 12], Gen.Byte.Array[0, 3]).Sample((one, other, end) =>
        {
            (byte[] anchor, byte[] start) = one.AsSpan().SequenceCompareTo(other) <= 0 ? (one, other) : (other, one);
            if (end.Length > 0 && start.AsSpan().SequenceCompareTo(end) >= 0)
            {
                end = [];
            }

            ReadOnlyMemory<byte> guess = EtcdKeyHorizon.Guess(anchor, start, end);
            Assert.True(guess.IsEmpty || guess.Span.SequenceCompareTo(start) > 0);
            Assert.True(end.Length == 0 || (!guess.IsEmpty && guess.Span.SequenceCompareTo(end) <= 0));
        });

    [Fact]
    public async Task Whatever_the_keys_are_a_read_in_many_small_steps_finds_each_once()
    {
        EtcdRecordStore writer = await ConnectAsync((await StartAsync()).Endpoint);
        EtcdRecordStore store = await ConnectAsync(writer.Location["etcd ".Length..], SmallSteps);
        Gen<byte[]> dense = Gen.Byte[0, 3].Array[1, 6];
        Gen<byte[]> sparse = Gen.Byte.Array[1, 20];
        Gen<byte[]> edge = Gen.Int[-2, 1].Select(i => unchecked((byte)i)).Array[1, 12];
        byte run = 0;
        await Gen.OneOf(dense, sparse, edge).Array[1, 100].SampleAsync(
            async keys =>
            {
                // Each sample is written below a prefix of its own.
                run++;
                string[] expected = [.. keys.Select(Convert.ToHexString).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
                RecordWrite[] writes =
                    [.. expected.Select(key => RecordWrite.Put((byte[])[run, .. Convert.FromHexString(key)], new byte[100]))];
                await writer.CommitAsync(new RecordTransaction([], writes), Cancellation);
                List<string> found = [];
                await foreach (IReadOnlyList<StoredRecord> page in store.ReadAsync(KeyRange.Prefix(new[] { run }), 0, Cancellation))
                {
                    found.AddRange(page.Select(record => Convert.ToHexString(record.Key.Span[1..])));
                }

                Assert.Equal(expected, found.ToArray());
            },
            iter: 50,
            threads: 1);
    }
}
