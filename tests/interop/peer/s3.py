"""What a bucket's owner or writer does with AWS's own client: s3.py ENDPOINT USER COMMAND BUCKET ARGUMENT...

bucket NAME [lock], put NAME KEY TEXT, delete NAME KEY [VERSION [bypass]], policy NAME FILE: print the HTTP status.
versions NAME KEY: prints the versions of an object, delete markers among them, the newest first.
"""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def main() -> None:
    endpoint, user, command, bucket, *rest = sys.argv[1:]
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=user,
        aws_secret_access_key=user + "-secret",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    try:
        if command == "versions":
            page = client.list_object_versions(Bucket=bucket, Prefix=rest[0])
            found = page.get("Versions", []) + page.get("DeleteMarkers", [])
            found = [one for one in found if one["Key"] == rest[0]]
            for one in sorted(found, key=lambda one: (not one["IsLatest"], -one["LastModified"].timestamp())):
                print(one["VersionId"])
            return
        if command == "bucket":
            answer = client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=rest == ["lock"])
        elif command == "put":
            answer = client.put_object(Bucket=bucket, Key=rest[0], Body=rest[1].encode())
        elif command == "policy":
            with open(rest[0]) as file:
                answer = client.put_bucket_policy(Bucket=bucket, Policy=file.read())
        else:
            more = {"VersionId": rest[1]} if len(rest) > 1 else {}
            more |= {"BypassGovernanceRetention": True} if rest[2:] == ["bypass"] else {}
            answer = client.delete_object(Bucket=bucket, Key=rest[0], **more)
        print(answer["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as e:
        print(e.response["ResponseMetadata"]["HTTPStatusCode"])


main()
