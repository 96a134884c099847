"""The table of layouts: what is understood of the folders that people have, and what they are told."""

# ruff: noqa: E501  a table is read across

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import product

import pytest

from genlab.data.layout import Unclear, Wish, understand


@dataclass(frozen=True)
class Case:
    """Files as patterns with {a,b} in them and ~ for a space, and how many images each PART/CLASS has; others are left out."""

    files: str
    counts: str
    told: tuple[str, ...] = ()  # a piece of each sentence that is told
    tables: dict[str, str] = field(default_factory=dict)
    wish: Wish = field(default_factory=Wish)


def spread(pattern: str) -> list[str]:
    """All that a pattern with {a,b} and {1..3} in it stands for."""
    pieces = re.split(r"\{(.*?)\}", pattern)
    for i in range(1, len(pieces), 2):
        run = re.fullmatch(r"(\d+)\.\.(\d+)", pieces[i])
        pieces[i] = ",".join(map(str, range(int(run[1]), int(run[2]) + 1))) if run else pieces[i]
    return ["".join(p) for p in product(*(piece.split(",") if i % 2 else [piece] for i, piece in enumerate(pieces)))]


def counted(files: list[str], layout) -> Counter:
    kept = [p for p, image in zip(layout.places, layout.images, strict=True) if image and not p.skip]
    return Counter(f"{p.part or 'all'}/{p.label}" for p in kept)


BOTH = "train/cat 2, train/dog 2, test/cat 2, test/dog 2"
PLAIN = "all/cat 2, all/dog 2"
LAYOUTS = {
    # --- Folders of classes ---
    "class folders": Case("{cat,dog}/{1,2}.png", PLAIN),
    "class folders in one": Case("pets/{cat,dog}/{1,2}.png", PLAIN),
    "class folders in several": Case("archive/pets~v2/pets/{cat,dog}/{1,2}.png", PLAIN),
    "a folder in a folder of the same name": Case("pets/pets/{cat,dog}/{1,2}.png", PLAIN),
    "files of every kind beside": Case(
        "{cat,dog}/{1,2}.png {README,LICENSE,labels.csv,notes.txt,.DS_Store,model.pt,cat/Thumbs.db,a.json,b.xml,c.h5}", PLAIN
    ),
    "what a Mac packs": Case("pets/{cat,dog}/{1,2}.png __MACOSX/pets/{cat,dog}/._{1,2}.png pets/.DS_Store", PLAIN),
    "checkpoints of notebooks": Case("{cat,dog}/{1,2}.png cat/.ipynb_checkpoints/1-checkpoint.png", PLAIN),
    "capital suffixes": Case("{cat,dog}/{1,2}.JPG", PLAIN),
    "no suffixes": Case("{cat,dog}/{1,2}", PLAIN),
    "slashes of Windows": Case("pets\\{cat,dog}\\{1,2}.png", PLAIN),
    "names of all scripts": Case("{猫,كلب,Größe,🐱}/1.png", "all/猫 1, all/كلب 1, all/Größe 1, all/🐱 1"),
    "one letter in two ways": Case("caf\u00e9/1.png cafe\u0301/2.png tea/3.png", "all/caf\u00e9 2, all/tea 1"),
    "names that differ by case": Case("{Cat,cat}/1.png", "all/Cat 1, all/cat 1", ("Cat, cat differ in the case",)),
    "the same name in two classes": Case("{cat,dog}/1.png", "all/cat 1, all/dog 1"),
    "a name twice in a zip": Case("{cat,dog}/1.png cat/1.png", "all/cat 2, all/dog 1"),
    "numbers as classes": Case("{0,1,2}/{1,2}.png", "all/0 2, all/1 2, all/2 2"),
    "CIFAR as PNG": Case("cifar10/{train,test}/{airplane,truck}/000{1,2}.png",
        "train/airplane 2, train/truck 2, test/airplane 2, test/truck 2"),
    "images in the folder of a class": Case("{n01,n02}/images/{1,2}.jpg", "all/n01 2, all/n02 2"),
    "a class called images": Case("{images,drawings}/1.png", "all/images 1, all/drawings 1"),
    "classes in groups": Case("{animals/cat,animals/dog,plants/rose}/1.png", "all/cat 1, all/dog 1, all/rose 1",
        ("animals, plants over the classes are no parts",)),
    "mixed depths": Case("cat/{1,2}.png cat/kittens/1.png dog/1.png", "all/cat 2, all/kittens 1, all/dog 1",
        ("over the classes", "cat holds files and folders of files")),
    "an image beside the classes": Case("{cat,dog}/{1,2}.png logo.png", PLAIN + ", all/ 1", ("1 file has no class (1 to train on)",)),
    "people": Case("lfw/{Ann_Lee,Bo_Li}/{Ann,Bo}_000{1,2}.jpg", "all/Ann_Lee 4, all/Bo_Li 4"),
    # --- Images without classes ---
    "loose files": Case("holiday.png me.png", "all/ 2"),
    "a flat folder": Case("photos/{holiday,me}.png", "all/ 2"),
    "a flat folder of another name": Case("my~cat/{holiday,me}.png", "all/ 2"),
    "numbered files": Case("{0..9}.png", "all/ 10"),
    "names of a camera": Case("DCIM/100CANON/IMG_{1..4}.JPG", "all/ 4"),
    "faces twice over": Case("img_align_celeba/img_align_celeba/00{1..4}.jpg", "all/ 4"),
    "classes in names": Case("{cat,dog}.{0..3}.jpg", "all/ 8", ("names begin with cat, dog",)),
    "classes in names, as was wished": Case("{cat,dog}.{0..1}.jpg", PLAIN, wish=Wish("names")),
    "breeds in names": Case("images/{great_pyrenees,Abyssinian}_{1..2}.jpg", "all/great_pyrenees 2, all/Abyssinian 2", wish=Wish("names")),
    # --- Parts ---
    "train and test": Case("{train,test}/{cat,dog}/{1,2}.png", BOTH),
    "in a folder": Case("dataset/{train,test}/{cat,dog}/{1,2}.png", BOTH),
    "in many folders": Case("a/b/c/{train,test}/{cat,dog}/{1,2}.png", BOTH),
    "a README beside": Case("{train,test}/{cat,dog}/{1,2}.png {README.md,LICENSE,labels.csv,train/classes.txt}", BOTH),
    "an own export": Case("{train,validation,test}/{cat,dog}/00000{1,2}.png manifest.json",
        BOTH + ", validation/cat 2, validation/dog 2"),
    "an own export, unpacked": Case("pets-1/{train,validation,test}/{cat,dog}/00000{1,2}.png pets-1/manifest.json",
        BOTH + ", validation/cat 2, validation/dog 2"),
    "an own export with unlabelled images": Case("{train,test}/{cat,dog}/{1,2}.png train/3.png manifest.json",
        BOTH + ", train/ 1", ("1 file has no class (1 to train on)",)),
    "parts without classes": Case("{train,test}/{1,2}.png", "train/ 2, test/ 2"),
    "three parts without classes": Case("{train,val,test}/{1,2}.png", "train/ 2, validation/ 2, test/ 2"),
    "Training and Testing": Case("{Training,Testing}/{glioma,pituitary}/Tr_{1,2}.jpg",
        "train/glioma 2, train/pituitary 2, test/glioma 2, test/pituitary 2"),
    "capitals": Case("{Train,Validation,Test}/{1,2}.png", "train/ 2, validation/ 2, test/ 2"),
    "all capitals": Case("{TRAIN,VALID,TEST}/{1,2}.png", "train/ 2, validation/ 2, test/ 2"),
    "train and dev": Case("{train,dev}/{1,2}.png", "train/ 2, validation/ 2"),
    "train and eval": Case("{train,eval}/{1,2}.png", "train/ 2, test/ 2"),
    "train and evaluation": Case("{train,evaluation}/{1,2}.png", "train/ 2, test/ 2"),
    "train and hold-out": Case("{train,hold-out}/{1,2}.png", "train/ 2, test/ 2"),
    "training_set and test_set": Case("{training_set,test_set}/{1,2}.png", "train/ 2, test/ 2"),
    "trainset and testset": Case("{trainset,testset}/{1,2}.png", "train/ 2, test/ 2"),
    "data-train and data-test": Case("{data-train,data-test}/{1,2}.png", "train/ 2, test/ 2"),
    "camels": Case("{TrainImages,TestImages}/{1,2}.png", "train/ 2, test/ 2"),
    "Intel's scenes": Case("{seg_train/seg_train,seg_test/seg_test}/{sea,forest}/{1,2}.jpg seg_pred/seg_pred/{1..3}.jpg",
        "train/sea 2, train/forest 2, test/sea 2, test/forest 2", ("3 files are left out, beside the parts and in none of them: seg_pred",)),
    "a folder of single ones": Case("dataset/{training_set,test_set}/{cats,dogs}/{1,2}.jpg dataset/single_prediction/cat_or_dog_1.jpg",
        "train/cats 2, train/dogs 2, test/cats 2, test/dogs 2", ("1 file is left out",)),
    "Kaggle's cats and dogs": Case("train/train/{cat,dog}.{0..2}.jpg test1/test1/{1..3}.jpg sampleSubmission.csv",
        "train/ 6, test/ 3"),
    "chest X-rays": Case("chest_xray/{train,val,test}/{NORMAL,PNEUMONIA}/{1,2}.jpeg __MACOSX/chest_xray/train/NORMAL/._1.jpeg",
        "train/NORMAL 2, train/PNEUMONIA 2, validation/NORMAL 2, validation/PNEUMONIA 2, test/NORMAL 2, test/PNEUMONIA 2"),
    "Tiny ImageNet": Case("tiny-imagenet-200/{train/n01/images,train/n02/images,val/images,test/images}/x_{1,2}.JPEG "
        "tiny-imagenet-200/{wnids.txt,words.txt,train/n01/n01_boxes.txt}",
        "train/n01 2, train/n02 2, validation/ 2, test/ 2", ("4 files have no class (2 to watch by, 2 to test on)",)),
    "Tiny ImageNet's table": Case("tiny/{train/n01,train/n02}/images/t{1,2}.JPEG tiny/val/images/val_{1,2}.JPEG tiny/val/val_annotations.txt",
        "train/n01 2, train/n02 2, validation/n01 1, validation/n02 1",
        tables={"tiny/val/val_annotations.txt": "val_1.JPEG\tn01\t0\t0\nval_2.JPEG\tn02\t4\t4\n"}),
    "ImageNet": Case("ILSVRC/Data/CLS-LOC/{train/n01,train/n02,val,test}/{1,2}.JPEG ILSVRC/Annotations/CLS-LOC/train/n01/{1,2}.xml",
        "train/n01 2, train/n02 2, validation/ 2, test/ 2", ("4 files have no class",)),
    "YOLO": Case("coco128/images/{train2017,val2017}/{1,2}.jpg coco128/labels/{train2017,val2017}/{1,2}.txt coco128/data.yaml",
        "train/ 2, validation/ 2"),
    "YOLO the other way": Case("{train,valid,test}/images/{1,2}.jpg {train,valid,test}/labels/{1,2}.txt data.yaml",
        "train/ 2, validation/ 2, test/ 2"),
    "COCO": Case("{train2017,val2017,test2017}/00{1,2}.jpg annotations/instances_{train,val}2017.json", "train/ 2, validation/ 2, test/ 2"),
    "VOC": Case("VOCdevkit/VOC2012/{JPEGImages,SegmentationClass}/{1,2}.png VOCdevkit/VOC2012/Annotations/{1,2}.xml "
        "VOCdevkit/VOC2012/ImageSets/Main/train.txt", "all/ 2", ("2 files are left out as masks",)),
    "pictures and trimaps": Case("images/{1,2}.jpg annotations/trimaps/{1,2}.png", "all/ 2", ("2 files are left out as masks",)),
    "two sides": Case("horse2zebra/{trainA,trainB,testA,testB}/{1,2}.jpg", "train/a 2, train/b 2, test/a 2, test/b 2"),
    "classes beside parts in a name": Case("{train,test}_{cats,dogs}/{1,2}.png", "train/cats 2, train/dogs 2, test/cats 2, test/dogs 2"),
    "parts in each class": Case("{cat,dog}/{train,test}/{1,2}.png", BOTH),
    "a part in one class alone": Case("{cat/train,cat/test,dog/train}/{1,2}.png", "train/cat 2, test/cat 2, train/dog 2"),
    "a zip a part": Case("train/{cat,dog}/{1,2}.png test/{cat,dog}/{1,2}.png", BOTH),
    "a part over two archives": Case("x-001/pets/train/{cat,dog}/{1,2}.png x-002/pets/test/{cat,dog}/{1,2}.png", BOTH),
    "a part within train": Case("train/{train,val}/{cat,dog}/1.png test/{cat,dog}/1.png",
        "train/cat 1, train/dog 1, validation/cat 1, validation/dog 1, test/cat 1, test/dog 1"),
    "a class that is only tested": Case("train/{cat,dog}/1.png test/{cat,owl}/1.png", "train/cat 1, train/dog 1, test/cat 1, test/owl 1",
        ("Nothing of owl is there to train on",)),
    # --- Names that look like parts ---
    "a class called train": Case("{train,bus,car}/{1,2}.png", "all/train 2, all/bus 2, all/car 2", ("train is taken for a class",)),
    "a class called train, in parts": Case("{train,test}/{train,bus,car}/1.png",
        "train/train 1, train/bus 1, train/car 1, test/train 1, test/bus 1, test/car 1", ("train is taken for a class",)),
    "a class called test alone": Case("{test,cat}/{1,2}.png", "all/test 2, all/cat 2", ("test is taken for a class",)),
    "things with train in their names": Case("{train~station,bus~station,test~tube}/1.png",
        "all/train station 1, all/bus station 1, all/test tube 1"),
    "only train": Case("train/{cat,dog}/{1,2}.png", PLAIN, ("train holds everything",)),
    "only test": Case("test/{cat,dog}/{1,2}.png", PLAIN, ("test holds everything",)),
    "nothing to train on": Case("{val,test}/{cat,dog}/1.png", PLAIN, ("No part to train on lies beside test, val",)),
    "parts in a tongue that is not known": Case("{训练,测试}/{猫,狗}/1.png", "all/猫 2, all/狗 2", ("测试, 训练 over the classes are no parts",)),
    "parts in a tongue that is told": Case("{训练,测试}/{猫,狗}/1.png", "train/猫 1, train/狗 1, test/猫 1, test/狗 1",
        wish=Wish(parts={"训练": "train", "测试": "test"})),
    # --- Tables ---
    "a table of labels": Case("photos/{1,2,3}.png labels.csv", "all/cat 2, all/dog 1", tables={"labels.csv": "file,label\n1.png,cat\n2.png,dog\n3.png,cat\n"}),
    "semicolons and other heads": Case("{1,2}.png l.csv", "all/cat 1, all/dog 1", tables={"l.csv": "Image Name;Breed\n1.png;cat\n2.png;dog\n"}),
    "names without suffixes": Case("train/{aa,bb}.jpg test/{cc,dd}.jpg labels.csv", "train/pug 1, train/beagle 1, test/ 2",
        ("2 files have no class (2 to test on)",), tables={"labels.csv": "id,breed\naa,pug\nbb,beagle\n"}),
    "a table of one part": Case("{train,test}/{1,2}.png trainLabels.csv", "train/frog 1, train/cat 1, test/ 2",
        ("2 files have no class",), tables={"trainLabels.csv": "id,label\n1,frog\n2,cat\n"}),
    "paths of another machine": Case("data/{a,b}/{1,2}.png data/t.csv", "all/x 2, all/y 2",
        tables={"data/t.csv": "path,label\n/kaggle/input/a/1.png,x\n/kaggle/input/a/2.png,y\n/kaggle/input/b/1.png,x\n/kaggle/input/b/2.png,y\n"},
        wish=Wish("label")),
    "Hugging Face's metadata": Case("{train,test}/{1,2}.png {train,test}/metadata.csv", "train/cat 1, train/dog 1, test/cat 1, test/dog 1",
        tables={f"{part}/metadata.csv": "file_name,label\n1.png,cat\n2.png,dog\n" for part in ("train", "test")}),
    "Hugging Face's lines": Case("{1,2}.png metadata.jsonl", "all/0 1, all/1 1",
        tables={"metadata.jsonl": '{"file_name": "1.png", "label": 0, "box": [1]}\n{"file_name": "2.png", "label": 1}\n'}),
    "captions": Case("{1,2}.png metadata.jsonl", "all/ 2",
        tables={"metadata.jsonl": '{"file_name": "1.png", "text": "a cat asleep"}\n{"file_name": "2.png", "text": "two dogs"}\n'}),
    "parts in a table": Case("images/{1,2,3}.png t.csv", "train/cat 2, test/dog 1",
        ("Nothing of dog",), tables={"t.csv": "filename,class,split\n1.png,cat,train\n2.png,cat,Train\n3.png,dog,test\n"}),
    "columns that are not known": Case("{1..4}.png t.csv", "all/ 4", ("t.csv names the files; which of its columns is the class is not known: mood, age",),
        tables={"t.csv": "file,mood,age\n1.png,glad,3\n2.png,sad,3\n3.png,glad,4\n4.png,sad,4\n"}),
    "a column that is told": Case("{1..4}.png t.csv", "all/glad 2, all/sad 2", ("t.csv names the files",), wish=Wish("mood"),
        tables={"t.csv": "file,mood,age\n1.png,glad,3\n2.png,sad,3\n3.png,glad,4\n4.png,sad,4\n"}),
    "numbers of classes beside their folders": Case("{cat,dog}/{1,2}.png t.csv", PLAIN, ("A table tells other classes",),
        tables={"t.csv": "file,label\ncat/1.png,0\ncat/2.png,0\ndog/1.png,1\ndog/2.png,1\n"}),
    "files that are not here": Case("{1,2}.png t.csv", "all/a 1, all/b 1", ("t.csv names 1 file that cannot be found",),
        tables={"t.csv": "file,label\n1.png,a\n2.png,b\n9.png,a\n"}),
    "a table about something else": Case("{cat,dog}/{1,2}.png t.csv", PLAIN, tables={"t.csv": "a,b\n1,2\n"}),
    "a table that is none": Case("{cat,dog}/{1,2}.png t.csv m.jsonl", PLAIN, tables={"t.csv": '"\0', "m.jsonl": "[1]\n{"}),
    # --- What a person says ---
    "another level": Case("{animals/cat,animals/dog,plants/rose}/1.png", "all/animals 2, all/plants 1", wish=Wish("1")),
    "no classes": Case("{cat,dog}/{1,2}.png", "all/ 4", wish=Wish("none")),
    "another part": Case("{train,test}/{1,2}.png extra/3.png", "train/ 3, test/ 2", wish=Wish(parts={"extra": "train"})),
    "a folder left out": Case("{cat,dog,bad}/{1,2}.png", PLAIN, wish=Wish(parts={"bad": "skip"})),
    "no parts at all": Case("{train,test}/1.png", "all/train 1, all/test 1", ("test, train is taken for a class",), wish=Wish(parts={"train": "no", "test": "no"})),
}  # fmt: skip


@pytest.mark.parametrize("case", LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_is_understood_and_what_is_not_known_is_told(case: Case):
    files = [file for pattern in case.files.split() for file in spread(pattern.replace("~", " "))]
    layout = understand(files, case.tables, case.wish)
    expected = {name: int(n) for name, _, n in (entry.rpartition(" ") for entry in case.counts.split(", "))}
    assert dict(counted(files, layout)) == expected
    assert len(layout.told) == len(case.told), layout.told
    for piece in case.told:
        assert any(piece in sentence for sentence in layout.told), layout.told


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (Wish("9"), "There is no level 9 of folders; these lie 2 deep."),
        (Wish("0"), "There is no level 0 of folders; these lie 2 deep."),
        (Wish("colour"), "Classes cannot be read off 'colour'. Possible: auto, none, names, a level of folders from 1."),
        (Wish(parts={"dev": "test"}), "There is no folder called 'dev'. Possible: cat, dog, test, train."),
        (Wish(parts={"cat": "exam"}), "'cat' cannot be 'exam'. Possible: train, validation, test, skip, no."),
    ],
)
def test_what_does_not_fit_gets_its_sentence(wish: Wish, sentence: str):
    with pytest.raises(Unclear) as unclear:
        understand(spread("{train,test}/{cat,dog}/1.png"), wish=wish)
    assert str(unclear.value) == sentence


def test_one_is_asked_about_the_folders_that_may_be_parts():
    assert understand(spread("{train,test,extra}/{cat,dog}/1.png")).parts == {"train": "train", "test": "test", "extra": "skip"}
    assert understand(spread("{eins,zwei}/{cat,dog}/1.png")).parts == dict.fromkeys(("eins", "zwei", "cat", "dog"), "no")


def test_twenty_thousand_files_are_understood_in_seconds():
    files = [f"pets/{part}/{k}/{i}.png" for part in ("train", "test") for k in range(1000) for i in range(10)]
    table = "file,label\n" + "".join(f"{file},{i % 7}\n" for i, file in enumerate(files))
    began = time.process_time()
    layout = understand(files, {"labels.csv": table})
    assert time.process_time() - began < 10
    assert Counter(place.part for place in layout.places) == {"train": 10_000, "test": 10_000}
