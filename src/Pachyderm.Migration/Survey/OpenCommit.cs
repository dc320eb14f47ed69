using Google.Protobuf;

namespace Pachyderm.Migration.Survey;

/// <summary>A commit that has not been finished.</summary>
/// <param name="Repo">Its repo.</param>
/// <param name="Id">Its identifier.</param>
/// <param name="ModRevision">Revision of its record.</param>
public sealed record OpenCommit(ByteString Repo, ByteString Id, long ModRevision);
