"""What the tiny models learn from: sentences written for this repository, by label.

`LEARNED` is trained on; `HELD_OUT` is never seen in training and measures what was learned. The
order of the labels is the order of the models' outputs.
"""


def _lines(block: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in block.strip().splitlines())


SENTIMENT_LEARNED = {
    "negative": _lines(
        """
        This was a terrible waste of money.
        I hate the way it breaks every week.
        The service was slow and the staff was rude.
        What an awful, boring film.
        It stopped working after two days.
        I am very disappointed with this phone.
        The worst hotel we have ever stayed in.
        My order arrived late and broken.
        The food was cold and tasted bad.
        I would not buy this again.
        A dull story with horrible acting.
        The support never answered, a sad experience.
        Bad quality, it fell apart at once.
        The room was dirty and smelled awful.
        I regret that I bought this useless thing.
        Nothing works, I want my money back.
        The app crashes all the time and it is annoying.
        A poor product and an ugly design.
        We were angry about the terrible service.
        The book was boring from the first page.
        It is cheap, weak and useless.
        The waiter was rude and the soup was awful.
        I hate this horrible noise.
        The battery is bad and the screen is broken.
        Sadly the concert was a disaster.
        This update is a disaster, everything is slow.
        Worst purchase of the year, I am angry.
        An ugly, dirty and noisy place.
        The course was a waste of time.
        I was disappointed, the ending was poor.
        Horrible taste, I threw it away.
        The driver was late and unfriendly.
        It is annoying, slow and full of errors.
        The delivery failed twice, terrible.
        The worst customer service, never again.
        A disappointing meal and a poor view.
        """
    ),
    "positive": _lines(
        """
        This was a wonderful way to spend money.
        I love the way it works every week.
        The service was fast and the staff was friendly.
        What a great, exciting film.
        It still works perfectly after two years.
        I am very happy with this phone.
        The best hotel we have ever stayed in.
        My order arrived early and in perfect shape.
        The food was warm and tasted delicious.
        I would gladly buy this again.
        A touching story with brilliant acting.
        The support answered at once, a lovely experience.
        Good quality, it is strong and well made.
        The room was clean and smelled fresh.
        I am glad that I bought this useful thing.
        Everything works, worth every cent.
        The app is great and a pleasure all the time.
        An excellent product and a beautiful design.
        We were delighted with the excellent service.
        The book was exciting from the first page.
        It is solid, strong and useful.
        The waiter was friendly and the soup was delicious.
        I love this beautiful sound.
        The battery is excellent and the screen is bright.
        Happily the concert was amazing.
        This update is amazing, everything is fast.
        Best purchase of the year, I am delighted.
        A beautiful, clean and quiet place.
        The course was a pleasure and worth the time.
        I was impressed, the ending was brilliant.
        Wonderful taste, I ordered it again.
        The driver was early and friendly.
        It is helpful, fast and easy to use.
        The delivery was perfect, thank you.
        The best customer service, I recommend it.
        An enjoyable meal and a lovely view.
        """
    ),
}

SENTIMENT_HELD_OUT = {
    "negative": _lines(
        """
        The hotel was dirty and the staff was rude.
        A terrible phone with a bad battery.
        I hate this boring book.
        The film was awful and I was disappointed.
        My soup was cold, what a horrible place.
        The delivery was late and the screen was broken.
        This app is slow, annoying and useless.
        The worst concert of the year.
        """
    ),
    "positive": _lines(
        """
        The hotel was clean and the staff was friendly.
        An excellent phone with a great battery.
        I love this exciting book.
        The film was wonderful and I was impressed.
        My soup was delicious, what a lovely place.
        The delivery was fast and the screen was perfect.
        This app is helpful, easy and amazing.
        The best concert of the year.
        """
    ),
}

TOPIC_LEARNED = {
    "food": _lines(
        """
        Add salt and pepper to the soup.
        She baked a chocolate cake for dessert.
        Boil the pasta for nine minutes.
        The recipe needs two eggs and some butter.
        We ate fresh bread with cheese.
        Fry the onions in olive oil.
        The restaurant serves fish and rice.
        He cooked a tasty dinner for his friends.
        The salad has tomatoes and cucumber.
        Breakfast was tea, bread and honey.
        Slice the apples and bake the pie.
        The chef cooked beans with garlic.
        Stir the sauce until it is thick.
        A bowl of hot noodles is a good lunch.
        The kitchen smells of garlic and butter.
        They ordered pizza with extra cheese.
        Mix the flour with sugar and milk.
        Grill the chicken and serve it with rice.
        The menu has a dessert with apples.
        I drink coffee with milk at breakfast.
        """
    ),
    "money": _lines(
        """
        The bank raised the interest rate.
        She invested her savings in shares.
        The price of gold fell on the market.
        He paid the loan back to the bank.
        Our budget for the year is too small.
        The company reported a record profit.
        Investors sold their shares in the company.
        The dollar is strong against the euro.
        Taxes on income will rise.
        They opened a savings account.
        The rent and the bills cost a lot.
        The stock market closed higher.
        Inflation makes every price go up.
        The invoice must be paid by Friday.
        The fund pays a dividend in spring.
        A mortgage is a loan for a house.
        The economy grew and wages went up.
        My credit card has a high interest rate.
        The firm borrowed money and now has debt.
        Save a part of your income each month.
        """
    ),
    "sports": _lines(
        """
        The team won the match in the last minute.
        She scored two goals in the final.
        The runner finished the race first.
        He hit the ball over the fence.
        The coach praised the young players.
        Our goalkeeper saved a penalty.
        The tennis player lost the second set.
        They trained hard for the championship.
        The stadium was full of fans.
        The swimmer broke the world record.
        A late goal decided the football game.
        The referee stopped the game.
        The cyclist won the race in the mountains.
        The basketball team lost the final.
        Fans cheered when the striker scored.
        The league starts with a home match.
        The athlete won a gold medal.
        The boxer trained for the title fight.
        The players ran across the field.
        The club signed a new striker and a coach.
        """
    ),
    "weather": _lines(
        """
        It will rain in the afternoon.
        The sun is shining and the sky is blue.
        Heavy snow fell in the mountains.
        A cold wind blows from the north.
        The storm brought thunder and lightning.
        Tomorrow will be cloudy and mild.
        The temperature fell below zero.
        Thick fog covers the valley.
        The forecast says sunny and dry.
        Dark clouds and light rain in the evening.
        A heat wave is coming this summer.
        The night was clear and frosty.
        Strong winds and showers at the coast.
        It was hot and humid all day.
        Hail damaged the trees in the storm.
        Spring will be warm and dry.
        The rain stopped and the sun came out.
        Ice and snow are expected at night.
        The sky is grey with low clouds.
        The forecast warns of a thunderstorm.
        """
    ),
}

TOPIC_HELD_OUT = {
    "food": _lines(
        """
        Bake the bread with butter and salt.
        The chef serves pasta with tomatoes.
        We ordered soup and a salad for lunch.
        Fry the chicken with garlic and onions.
        """
    ),
    "money": _lines(
        """
        The bank has a high interest rate on savings.
        Investors sold gold on the stock market.
        The company paid its debt and the loan.
        The price of the shares fell.
        """
    ),
    "sports": _lines(
        """
        The striker scored a goal in the match.
        The players of the team won the championship.
        The runner broke the record in the final race.
        The coach and the fans cheered in the stadium.
        """
    ),
    "weather": _lines(
        """
        Snow and a cold wind are expected tomorrow.
        The sky is cloudy and it will rain.
        A storm with thunder and hail at the coast.
        The forecast says fog and low temperature.
        """
    ),
}
